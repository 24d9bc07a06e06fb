import type { MqttSession } from './mqtt-session.ts';

/** What happens, a line each. */
export class Log {
  readonly #who: string;

  constructor(who: string) {
    this.#who = who;
  }

  readonly line = (text: string): void => void process.stdout.write(`${this.#who.padEnd(8)}${text}\n`);

  readonly connected = ({ negotiated: { version, resumed }, isKnown }: MqttSession): void =>
    this.line(
      `connected: ${version}, ${resumed ? 'resumed' : 'a full handshake'}; ${isKnown ? 'the broker knows it' : 'new to the broker'}`,
    );

  readonly waiting = ({ name }: Error, milliseconds: number): void =>
    this.line(`lost: ${name}; again in ${Math.round(milliseconds)} ms`);
}
