import { type AlertDescription, alertNumber, contentType, recordHeaderBytes, type TlsHost } from '@rxtls/core/engine';
import { type BinaryString, fromBinaryString, toBinaryString } from './binary-string.ts';
import { forgeFailureError } from './forge-error.ts';
import {
  type ForgeConnection,
  type ForgeConnectionOptions,
  type ForgeReadState,
  type ForgeRecord,
  type ForgeSession,
  library,
} from './forge-library.ts';
import { withHostEntropy } from './host-entropy.ts';

/** What a role decides about its connection. */
export type RoleOptions = Pick<
  ForgeConnectionOptions,
  | 'server'
  | 'caStore'
  | 'cipherSuites'
  | 'virtualHost'
  | 'verifyClient'
  | 'sessionCache'
  | 'getCertificate'
  | 'getPrivateKey'
  | 'getSignature'
>;

/** What the engine is asked while node-forge works. It may throw; node-forge is not used for receiving afterwards. */
export interface ConnectionWatcher {
  /** A handshake has its state from now on. */
  session(session: ForgeSession): void;
  /**
   * A record has been decrypted. Answers what node-forge is to see in its place: that record itself, a whole handshake
   * message, or nothing.
   */
  opened(type: number, plaintext: BinaryString): 'as it is' | 'nothing' | { readonly handshake: BinaryString };
}

/**
 * One connection of node-forge's, driven one record at a time. What comes of a call is collected here, and nobody is told
 * inside it: a callback of node-forge's that reached a user could be in the middle of anything.
 */
export class DrivenConnection {
  readonly #forge: ForgeConnection;
  readonly #host: TlsHost;
  readonly #watcher: ConnectionWatcher;
  #ciphertext: BinaryString[] = [];
  #plaintext: BinaryString[] = [];
  #connected = false;
  #speaking = false;
  #alertSent = false;
  #readState: ForgeReadState | undefined;

  constructor(role: RoleOptions, watcher: ConnectionWatcher, host: TlsHost) {
    this.#host = host;
    this.#watcher = watcher;
    this.#forge = withHostEntropy(host, () =>
      library.tls.createConnection({
        ...role,
        // Chains are judged before node-forge sees them, by the host's clock; its own verdict would be by the system's.
        verify: () => true,
        verifyOptions: { validityCheckDate: null },
        connected: () => {
          this.#connected = true;
        },
        tlsDataReady: ({ tlsData }) => {
          if (tlsData.length() > 0) this.#ciphertext.push(tlsData.getBytes());
        },
        dataReady: ({ data }) => {
          if (data.length() > 0) this.#plaintext.push(data.getBytes());
        },
        closed: () => {},
        error: (_, failure) => {
          if (this.#speaking) return;
          this.#alertSent = failure.send === true;
          throw forgeFailureError(failure);
        },
      }),
    );
    this.#watchSession();
  }

  /** Both Finished messages are through. */
  get connected(): boolean {
    return this.#connected;
  }

  get session(): ForgeSession | null {
    return this.#forge.session;
  }

  get minorVersion(): number {
    return this.#forge.version.minor;
  }

  /** node-forge has sent an alert of its own choice. */
  get alertSent(): boolean {
    return this.#alertSent;
  }

  /** Begins as a client, with the newest version given; `sessionId` is one that the session cache knows. */
  handshake(minorVersion: number, sessionId: BinaryString | undefined): void {
    this.#forge.version = { major: 3, minor: minorVersion };
    this.#run(() => this.#forge.handshake(sessionId));
  }

  /** A whole record from the wire. */
  receiveRecord(record: Uint8Array): void {
    this.#run(() => this.#forge.process(toBinaryString(record)));
    if (record[0] === contentType.changeCipherSpec) this.#watchRecords();
  }

  /** A handshake message that came in the clear, in a record of its own whatever it came in. */
  receiveMessage(message: Uint8Array, minorVersion: number): void {
    const record = new Uint8Array(recordHeaderBytes + message.length);
    record.set([contentType.handshake, 3, minorVersion, message.length >> 8, message.length & 0xff]);
    record.set(message, recordHeaderBytes);
    this.#run(() => this.#forge.process(toBinaryString(record)));
  }

  seal(plaintext: Uint8Array): void {
    this.#run(() => {
      // TLS 1.0 chains its initialisation vectors (BEAST): an empty record in front makes the next one unpredictable, as
      // OpenSSL does it. Browsers split one byte off instead, which a peer reads before it knows whether the rest is whole.
      if (this.minorVersion === 1) this.#forge.prepare('');
      this.#forge.prepare(toBinaryString(plaintext));
    });
  }

  /** Sends an alert under the keys in use. node-forge's own call for close_notify would forget the connection. */
  sendAlert(level: 'warning' | 'fatal', description: AlertDescription): void {
    this.#speaking = true;
    try {
      const alert = { level: level === 'warning' ? 1 : 2, description: alertNumber[description] };
      this.#run(() => this.#forge.error(this.#forge, { send: true, fatal: false, alert }));
    } finally {
      this.#speaking = false;
    }
  }

  takeCiphertext(): readonly BinaryString[] {
    const taken = this.#ciphertext;
    if (taken.length > 0) this.#ciphertext = [];
    return taken;
  }

  takePlaintext(): readonly Uint8Array[] {
    if (this.#plaintext.length === 0) return [];
    return this.#plaintext.splice(0).map(fromBinaryString);
  }

  /** JavaScript has no way to overwrite a string: the secrets in them are left to the garbage collector, by dropping every reference. */
  wipe(): void {
    const { session, state } = this.#forge;
    for (const half of [session?.sp, session])
      for (const key of Object.keys(half ?? {})) Reflect.deleteProperty(half ?? {}, key);
    state.pending = null;
    state.current = null;
    this.#forge.session = null;
    for (const buffer of [this.#forge.input, this.#forge.data, this.#forge.tlsData]) buffer.getBytes();
    this.#ciphertext = [];
    this.#plaintext = [];
    this.#readState = undefined;
  }

  #run(call: () => void): void {
    withHostEntropy(this.#host, call);
  }

  /** node-forge makes a session where a handshake begins and assigns it: the only place to learn of it before it is used. */
  #watchSession(): void {
    let current: ForgeSession | null = null;
    Object.defineProperty(this.#forge, 'session', {
      configurable: true,
      enumerable: true,
      get: () => current,
      set: (value: ForgeSession | null) => {
        current = value;
        if (value !== null) this.#watcher.session(value);
      },
    });
  }

  /** After a ChangeCipherSpec: what is decrypted is shown to the engine before node-forge acts on it. */
  #watchRecords(): void {
    const read = this.#forge.state.current?.read;
    if (read === undefined || read === this.#readState) return;
    this.#readState = read;
    const update = read.update.bind(read);
    read.update = (connection, record) => {
      if (!update(connection, record)) return false;
      this.#show(record);
      return true;
    };
  }

  #show(record: ForgeRecord): void {
    const instead = this.#watcher.opened(record.type, record.fragment.bytes());
    if (instead === 'as it is') return;
    if (instead === 'nothing') {
      // An answer to a heartbeat that nobody sent: the one thing node-forge passes over in every state.
      record.type = contentType.heartbeat;
      record.fragment = library.util.createBuffer('\x02\x00\x00');
    } else record.fragment = library.util.createBuffer(instead.handshake);
  }
}
