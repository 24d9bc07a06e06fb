import { createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const nameBytes = 16;
const ivBytes = 16;
const macBytes = 32;

/** The key of one context's tickets (RFC 5077 §4), derived from a secret and the policy that its sessions are bound to. */
export class TicketKey {
  /** As Node takes it: name(16), HMAC key(16), AES key(16). */
  readonly #bytes: Buffer;

  constructor(secret: Uint8Array, policy: string) {
    this.#bytes = Buffer.from(hkdfSync('sha256', secret, '', `rxtls session tickets ${policy}`, 48));
  }

  /** A copy for Node, to be wiped when it has been read. */
  copy(): Buffer {
    return Buffer.from(this.#bytes);
  }

  /** Whether a ticket says that it was sealed under this key. */
  isNamedBy(ticket: Uint8Array): boolean {
    return ticket.length >= nameBytes && timingSafeEqual(ticket.subarray(0, nameBytes), this.#part(0));
  }

  /**
   * The session in a ticket as OpenSSL has sealed it: name, IV, AES-128-CBC, and HMAC-SHA256 over all that. A secret.
   * Undefined for what does not authenticate.
   */
  open(ticket: Uint8Array): Buffer | undefined {
    const end = ticket.length - macBytes;
    const start = nameBytes + ivBytes;
    if (end <= start || !this.isNamedBy(ticket)) return undefined;
    const mac = createHmac('sha256', this.#part(1)).update(ticket.subarray(0, end)).digest();
    if (!timingSafeEqual(mac, ticket.subarray(end))) return undefined;
    try {
      const cipher = createDecipheriv('aes-128-cbc', this.#part(2), ticket.subarray(nameBytes, start));
      return Buffer.concat([cipher.update(ticket.subarray(start, end)), cipher.final()]);
    } catch {
      // It authenticates, but is no whole number of blocks: nothing that OpenSSL would resume.
      return undefined;
    }
  }

  #part(index: 0 | 1 | 2): Buffer {
    return this.#bytes.subarray(index * 16, index * 16 + 16);
  }
}
