import { CertificateError } from '@rxtls/core/engine';
import type { DerElement } from '@rxtls/core/engine-parts';
import { readObjectId } from './object-id.ts';

/** Tags that certificates use (X.690 §8); a number of a context has 0x80, and 0x20 when it is constructed. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

const maxDepth = 16;
/** In one certificate: two thousand addresses fit, and what has more is no certificate of a TLS peer. */
const maxElements = 8_192;

/**
 * Reads DER (X.690 §10 and §11) from front to end, and nothing that is BER only. It goes down one level where it is told
 * to, so depth and work are the caller's; both are bounded besides. What it gives are views on the bytes it was given.
 * Every method throws `CertificateError('bad-certificate')`, naming the field and nothing of the bytes.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #field: string;
  readonly #above: DerReader | undefined;
  readonly #depth: number;
  readonly #work: { elements: number };
  #at = 0;

  constructor(bytes: Uint8Array, field: string, above?: DerReader) {
    this.#bytes = bytes;
    this.#field = field;
    this.#above = above;
    this.#depth = above === undefined ? 1 : above.#depth + 1;
    this.#work = above === undefined ? { elements: 0 } : above.#work;
    if (this.#depth > maxDepth) throw this.malformed('is nested too deep');
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The tag of the element that comes next; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The next element, whatever its tag. */
  any(field: string): DerElement {
    if (++this.#work.elements > maxElements) throw this.malformed(`has more than ${maxElements} elements`);
    const start = this.#at;
    const tag = this.#byte(field);
    // X.690 §8.1.2.4: more bytes of tag follow; §8.1.5: the end of contents, which only an indefinite length has.
    if ((tag & 0x1f) === 0x1f || tag === 0) throw this.malformed(`.${field} has a tag that certificates do not have`);
    // X.690 §8.9.1 and §8.11.1: sequences and sets are constructed; §10.2: strings are not; nor is any other universal type here.
    const isList = (tag & 0x1e) === 0x10;
    if (tag < 0x40 && isList !== tag >= 0x20) throw this.malformed(`.${field} has a tag that DER does not have`);
    const length = this.#length(field);
    if (length > this.#bytes.length - this.#at) throw this.malformed(`.${field} is longer than what is around it`);
    this.#at += length;
    return {
      tag,
      content: this.#bytes.subarray(this.#at - length, this.#at),
      encoded: this.#bytes.subarray(start, this.#at),
    };
  }

  element(tag: number, field: string): DerElement {
    if (this.nextTag !== tag) throw this.malformed(`.${field} is missing or of another type`);
    return this.any(field);
  }

  content(tag: number, field: string): Uint8Array {
    return this.element(tag, field).content;
  }

  /** The content of an element that may be left out. */
  optional(tag: number, field: string): Uint8Array | undefined {
    return this.nextTag === tag ? this.content(tag, field) : undefined;
  }

  /** Reads inside an element. */
  inside(tag: number, field: string): DerReader {
    return this.nested(this.content(tag, field), field);
  }

  nested(bytes: Uint8Array, field: string): DerReader {
    return new DerReader(bytes, field, this);
  }

  /** The dotted text of an object identifier. */
  objectId(field: string): string {
    const id = readObjectId(this.content(derTag.objectId, field));
    if (id === undefined) throw this.malformed(`.${field} is no object identifier`);
    return id;
  }

  /** An integer of zero or more, big-endian without zeros in front (zero itself is one zero byte). */
  unsigned(field: string, tag: number = derTag.integer): Uint8Array {
    const content = this.content(tag, field);
    const [first, second] = content;
    // X.690 §8.3.2: the first nine bits "shall not all be ones" and "shall not all be zero".
    if (first === undefined || (first === 0 && second !== undefined && second < 0x80))
      throw this.malformed(`.${field} is no integer in its shortest form`);
    if (first >= 0x80) throw this.malformed(`.${field} is negative`);
    return first === 0 && second !== undefined ? content.subarray(1) : content;
  }

  /** An integer of 0 to 2^31 - 1. */
  small(field: string, tag: number = derTag.integer): number {
    const bytes = this.unsigned(field, tag);
    const value = bytes.length > 4 ? Number.NaN : bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    if (!(value < 2 ** 31)) throw this.malformed(`.${field} is out of range`);
    return value;
  }

  /** A boolean whose default is false: X.690 §11.1 has one form of true, and §11.5 leaves out what is the default. */
  trueOrAbsent(field: string): boolean {
    const content = this.optional(derTag.boolean, field);
    if (content === undefined) return false;
    if (content.length !== 1 || content[0] !== 0xff) throw this.malformed(`.${field} is no boolean in DER`);
    return true;
  }

  /** The bytes of a bit string that has whole ones. */
  bitStringBytes(field: string): Uint8Array {
    const content = this.content(derTag.bitString, field);
    if (content[0] !== 0) throw this.malformed(`.${field} is no bit string of whole bytes`);
    return content.subarray(1);
  }

  /** @throws unless everything has been read. */
  end(): void {
    if (!this.isAtEnd) throw this.malformed('has something after its end');
  }

  malformed(what: string): CertificateError {
    let path = this.#field;
    for (let above = this.#above; above !== undefined; above = above.#above) path = `${above.#field}.${path}`;
    const text = `a certificate cannot be read: ${path}${what.startsWith('.') ? '' : ' '}${what}`;
    return new CertificateError('bad-certificate', text, { phase: 'verification' });
  }

  #length(field: string): number {
    const first = this.#byte(field);
    if (first < 0x80) return first;
    const size = first & 0x7f;
    // X.690 §10.1: "The definite form of length encoding shall be used, encoded in the minimum number of octets."
    if (size === 0) throw this.malformed(`.${field} has no definite length`);
    if (size > 3) throw this.malformed(`.${field} is longer than any certificate`);
    let length = 0;
    for (let index = 0; index < size; index++) length = length * 256 + this.#byte(field);
    if (length < 0x80 || length < 2 ** (8 * (size - 1)))
      throw this.malformed(`.${field} has a length of too many bytes`);
    return length;
  }

  #byte(field: string): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.malformed(`.${field} is cut off`);
    this.#at++;
    return byte;
  }
}
