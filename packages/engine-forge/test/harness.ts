// Both ends of a connection at contract level, and a peer that breaks the rules: a bare node-forge whose keys the test can use.
import {
  defaultLimits,
  type EngineReadiness,
  type EngineTask,
  type Limits,
  type NegotiatedParameters,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsEngineSink,
  type TlsError,
  type TlsEvent,
  type TlsHost,
} from '@rxtls/core/engine';
import { forgeEngine, type ForgeClientOptions, type ForgeServerOptions } from '../src/index.ts';
import { type ForgeConnection, library } from '../src/forge-library.ts';
import { fromBinaryString, toBinaryString } from '../src/binary-string.ts';
import { credentials, host as hostLeaf, root } from './rsa-pki.ts';

export const legacy = { dangerouslyAllowLegacyVersions: true } as const;
export const client = (options: Partial<ForgeClientOptions> = {}): TlsEngineFactory<'client'> =>
  forgeEngine.client({ ...legacy, serverName: 'host.test', ca: root.pem, sessions: 'none', ...options });
export const server = (options: Partial<ForgeServerOptions> = {}): TlsEngineFactory<'server'> =>
  forgeEngine.server({ ...legacy, credentials: credentials(hostLeaf), ...options });

/** Bytes that depend on the seed alone (mulberry32). */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}

export interface EndOptions {
  readonly limits?: Partial<Limits>;
  readonly wallClock?: () => number;
  readonly seed?: number;
  readonly observed?: boolean;
  /** Called in every sink callback. */
  readonly callback?: (name: string, end: End) => void;
}

/** One engine and what came of it. */
export class End {
  engine: TlsEngine | undefined;
  readonly log: string[] = [];
  readonly out: Uint8Array[] = [];
  readonly plaintext: Uint8Array[] = [];
  readonly events: TlsEvent[] = [];
  readonly tasks: EngineTask[] = [];
  readonly randoms: string[] = [];
  ready: EngineReadiness | undefined;
  negotiated: NegotiatedParameters | undefined;
  error: TlsError | undefined;
  closed = false;
  given = 0;
  consumed = 0;
  sealed = 0;

  constructor(factory: TlsEngineFactory, options: EndOptions = {}) {
    const note = (name: string): void => {
      this.log.push(name);
      options.callback?.(name, this);
    };
    const random = seededBytes(options.seed ?? 1);
    const sink: TlsEngineSink = {
      observed: options.observed ?? true,
      ciphertext: (bytes) => {
        this.out.push(bytes);
        note('ciphertext');
      },
      sealed: (n) => {
        this.sealed += n;
        note('sealed');
      },
      consumed: (n) => {
        this.consumed += n;
        note('consumed');
      },
      plaintext: (bytes) => {
        this.plaintext.push(bytes);
        note('plaintext');
      },
      readiness: (state) => {
        this.ready = state;
        note('readiness');
      },
      task: (task) => {
        this.tasks.push(task);
        note('task');
      },
      negotiated: (parameters) => {
        this.negotiated = parameters;
        note('negotiated');
      },
      event: (event) => {
        this.events.push(event);
        note('event');
      },
      closeNotify: () => {
        this.closed = true;
        note('closeNotify');
      },
      failed: (error) => {
        this.error = error;
        note('failed');
      },
    };
    const host: TlsHost = {
      wallClock: options.wallClock ?? (() => Date.now()),
      monotonicClock: () => 0,
      random: (length, label) => {
        this.randoms.push(label);
        return random(length);
      },
      limits: { ...defaultLimits, ...options.limits },
    };
    this.engine = factory(sink, host);
  }

  give(bytes: Uint8Array): this {
    this.given += bytes.length;
    this.engine?.receiveCiphertext(new Uint8Array(bytes));
    return this;
  }

  /** Takes all ciphertext the engine has made. */
  take(): Uint8Array {
    return joined(this.out.splice(0));
  }

  send(text: string): void {
    this.engine?.sendPlaintext(toBytes(text));
  }

  get text(): string {
    return toBinaryString(joined(this.plaintext));
  }
}

export const toBytes = (text: string): Uint8Array => fromBinaryString(text);
export const toText = (bytes: Uint8Array): string => toBinaryString(bytes);

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Carries bytes both ways until nothing moves. */
export function carry(a: End, b: End): void {
  for (let moved = true; moved; ) {
    const [up, down] = [a.take(), b.take()];
    if (up.length > 0 && b.error === undefined && !b.closed) b.give(up);
    if (down.length > 0 && a.error === undefined && !a.closed) a.give(down);
    moved = up.length + down.length > 0;
  }
}

export interface Both {
  readonly client: End;
  readonly server: End;
}

/** A client and a server that have shaken hands as far as they could. */
export function both(
  factories: { readonly client?: TlsEngineFactory; readonly server?: TlsEngineFactory } = {},
  options: { readonly client?: EndOptions; readonly server?: EndOptions } = {},
): Both {
  const ends = {
    client: new End(factories.client ?? client(), { seed: 1, ...options.client }),
    server: new End(factories.server ?? server(), { seed: 2, ...options.server }),
  };
  carry(ends.client, ends.server);
  return ends;
}

export const record = (type: number, body: Uint8Array | string, minor = 1): Uint8Array => {
  const bytes = typeof body === 'string' ? toBytes(body) : body;
  return joined([Uint8Array.of(type, 3, minor, bytes.length >> 8, bytes.length & 0xff), bytes]);
};

/** Whole records in a run of ciphertext. */
export function records(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0);
    found.push(bytes.slice(at, end));
    at = end;
  }
  return found;
}

/** A handshake message with its header. */
export const message = (type: number, body: Uint8Array | string = ''): Uint8Array => {
  const bytes = typeof body === 'string' ? toBytes(body) : body;
  return joined([Uint8Array.of(type, 0, bytes.length >> 8, bytes.length & 0xff), bytes]);
};

export interface OffenderOptions {
  readonly credentials?: { readonly cert: string; readonly key: string };
  /** As a server, asks for a certificate. */
  readonly asks?: boolean;
}

/** A peer that shakes hands by the book, and then seals whatever the test says. */
export class Offender {
  readonly forge: ForgeConnection;
  readonly #out: string[] = [];

  constructor(role: 'client' | 'server', options: OffenderOptions = {}) {
    const { cert, key } = options.credentials ?? credentials(hostLeaf);
    const chain = cert.match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n?/g) ?? [];
    const { CipherSuites } = library.tls;
    this.forge = library.tls.createConnection({
      server: role === 'server',
      caStore: { certs: {}, getIssuer: () => null, hasCertificate: () => true },
      cipherSuites: Object.values(CipherSuites),
      verifyOptions: { validityCheckDate: null },
      sessionCache: { order: [], getSession: () => null, setSession: () => undefined },
      verify: () => true,
      verifyClient: options.asks === true,
      ...(chain.length > 0 && { getCertificate: () => chain }),
      getPrivateKey: () => key,
      connected: () => undefined,
      tlsDataReady: ({ tlsData }) => void this.#out.push(tlsData.getBytes()),
      dataReady: ({ data }) => void data.getBytes(),
      closed: () => undefined,
      error: () => undefined,
    });
    if (role === 'client') this.forge.handshake();
  }

  take(): Uint8Array {
    return toBytes(this.#out.splice(0).join(''));
  }

  give(bytes: Uint8Array): void {
    this.forge.process(toText(bytes));
  }

  /** Seals as if nothing had been sealed under these keys. */
  rewind(): void {
    const write = this.forge.state.current?.write as {
      sequenceNumber: number[];
      cipherState: { init: boolean };
    };
    write.sequenceNumber = [0, 0];
    write.cipherState.init = false;
  }

  /** A record of any type and content under the keys in use. */
  seal(type: number, body: Uint8Array | string): Uint8Array {
    const { version, state } = this.forge;
    const bytes = typeof body === 'string' ? body : toText(body);
    const sealed = { type, version, length: bytes.length, fragment: library.util.createBuffer(bytes) };
    const write = state.current?.write as { update(c: ForgeConnection, record: typeof sealed): boolean };
    write.update(this.forge, sealed);
    return record(type, toBytes(sealed.fragment.getBytes()), version.minor);
  }
}

/** An engine in an open connection with an offender. */
export function withOffender(role: 'client' | 'server', options: EndOptions = {}): { end: End; offender: Offender } {
  const offender = new Offender(role === 'client' ? 'server' : 'client');
  const end = new End(role === 'client' ? client() : server(), options);
  for (let moved = true; moved; ) {
    const [up, down] = [end.take(), offender.take()];
    if (up.length > 0) offender.give(up);
    if (down.length > 0) end.give(down);
    moved = up.length + down.length > 0;
  }
  return { end, offender };
}
