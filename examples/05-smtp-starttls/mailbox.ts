import { UsageError } from './usage-error.ts';

/**
 * An address of mail as a command can hold it: `local@domain` in visible ASCII, without quotes and brackets. A line end in it would
 * begin another command, so everything that is not plainly an address is refused.
 *
 * @throws UsageError
 */
export function mailbox(option: string, text: string): string {
  if (text.length <= 254 && /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d]([a-z\d.-]*[a-z\d])?$/i.test(text)) return text;
  throw new UsageError(`${option} ${JSON.stringify(text)}: an address is wanted, as in ada@client.example`);
}
