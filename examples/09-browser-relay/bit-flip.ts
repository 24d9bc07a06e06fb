import { RecordReader } from './record-reader.ts';

/** What a relay could try: flips one bit of one connection, in the first record that the server sends after the handshake. */
export class BitFlip {
  readonly #page = new RecordReader();
  readonly #server = new RecordReader();
  #isDue = false;
  #isDone = false;

  /** The page's first protected record ends its handshake. */
  fromPage(bytes: Uint8Array): void {
    this.#isDue ||= this.#page.read(bytes).some(({ type }) => type === 'application_data');
  }

  /** Changes `bytes`, once; says where. */
  fromServer(bytes: Uint8Array): number | undefined {
    const records = this.#server.read(bytes);
    if (!this.#isDue || this.#isDone) return undefined;
    const at = records.find((record) => record.at < bytes.length)?.at;
    if (at === undefined) return undefined;
    this.#isDone = true;
    bytes[at]! ^= 1;
    return at;
  }
}
