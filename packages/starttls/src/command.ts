import { line, type Script } from './script.ts';

/** A client's line: its first word in capitals, and the rest. */
interface Command {
  readonly verb: string;
  readonly rest: string;
}

export function* command(): Script<Command> {
  return commandOf(yield* line());
}

/** The same of what is left of a line. */
export function commandOf(text: string): Command {
  const space = text.indexOf(' ');
  const verb = space < 0 ? text : text.slice(0, space);
  return { verb: verb.toUpperCase(), rest: space < 0 ? '' : text.slice(space + 1) };
}
