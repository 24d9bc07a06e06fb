// One engine against a forger, by a plan: what must be true of it whatever it is given.
import {
  type AlertDescription,
  AlertReceivedError,
  alertForError,
  CertificateError,
  LimitExceededError,
  NotTlsError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  resolveLimits,
  type TlsEngineFactory,
  type TlsError,
  type TlsHost,
} from '@rxtls/core/engine';
import { memorySessions, tls13EngineOn } from '@rxtls/engine-tls13/node';
import type { TestPki } from '@rxtls/testing';
import fc from 'fast-check';
import { clientSettings, type Tls13ClientOptions } from '../../packages/engine-tls13/src/client-options.ts';
import { nodeCrypto } from '../../packages/engine-tls13/src/crypto/node/node-crypto.ts';
import { ClientHandshake } from '../../packages/engine-tls13/src/handshake/client-handshake.ts';
import type { Handshake, HandshakeConnection } from '../../packages/engine-tls13/src/handshake/handshake-connection.ts';
import { ServerHandshake } from '../../packages/engine-tls13/src/handshake/server-handshake.ts';
import { serverSettings, type Tls13ServerOptions } from '../../packages/engine-tls13/src/server-options.ts';
import type { Tls13Session } from '../../packages/engine-tls13/src/session/tls13-session.ts';
import { EngineSide } from '../../packages/testing/src/compliance/engine-side.ts';
import { type ByteChange, byteChange, changedBytes, joined, part } from './byte-change.ts';
import { edit, strayMessage } from './tls13-edits.ts';
import { type Forgery, Forger, type SentRecord, type Stray } from './tls13-forger.ts';
import { listeningCrypto, Transcripts } from './tls13-legal.ts';

export const roles = ['client', 'server'] as const;
export type Role = (typeof roles)[number];
const settingNames = ['plain', 'retry', 'client certificate', 'external key', 'resumption', 'small records'] as const;
type SettingName = (typeof settingNames)[number];

/** What happens to a record on its way; `at` counts the forger's records from 0. */
interface WireChange {
  readonly at: number;
  readonly how:
    | { readonly kind: 'bytes'; readonly change: ByteChange }
    | { readonly kind: 'drop' | 'double' | 'late' | 'split' }
    | { readonly kind: 'type'; readonly type: number };
}

export interface Plan {
  readonly setting: SettingName;
  readonly forgery: Forgery;
  readonly wire: readonly WireChange[];
  /** Bytes given in one call. */
  readonly chunk: number;
  /** What the engine is asked to do once it may send. */
  readonly asked: readonly ('write' | 'update-keys' | 'close')[];
  /** After the handshake the forger sends data of these lengths, and perhaps its close_notify. */
  readonly data: readonly number[];
  readonly closes: boolean;
}

const honest: Plan = {
  setting: 'plain',
  forgery: { edits: [], hashed: true, strays: [], inner: [], naked: [], lateKeys: false, fragment: 16_384, padding: 0 },
  wire: [],
  chunk: 65_536,
  asked: ['write'],
  data: [20],
  closes: true,
};

const few = <T>(one: fc.Arbitrary<T>, maxLength = 2): fc.Arbitrary<T[]> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant<T[]>([]) }, { weight: 1, arbitrary: fc.array(one, { maxLength }) });
const contentTypes = fc.constantFrom(0, 19, 20, 21, 22, 22, 23, 23, 24, 25, 255);
const content = fc.oneof(
  strayMessage,
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(1, 1)),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 3), fc.constantFrom(0, 10, 20, 40, 46, 47, 80, 90, 100, 120, 200))
    .map(([level, alert]) => Uint8Array.of(level, alert)),
  fc.constantFrom(0, 1, 16_384, 16_385, 16_640).map((length) => new Uint8Array(length).fill(7)),
);
const stray: fc.Arbitrary<Stray> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('inner' as const),
      type: contentTypes,
      content,
      padding: fc.constantFrom(0, 0, 1, 300, 16_384),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clear' as const),
      type: contentTypes,
      minor: fc.constantFrom(3, 3, 1, 0, 4, 255),
      content,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constant<Stray>({ kind: 'clear', type: 20, minor: 3, content: Uint8Array.of(1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('foreign' as const), which: part() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('keyUpdate' as const),
      request: fc.constantFrom(0, 1, 1, 2),
      follow: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('plain data' as const), bytes: fc.constantFrom(0, 1, 17, 400, 9_000) }),
  },
);
const forgery: fc.Arbitrary<Forgery> = fc.record({
  edits: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    {
      weight: 3,
      arbitrary: fc.array(fc.record({ message: fc.oneof(fc.nat(2), fc.nat(7)), edit }), { minLength: 1, maxLength: 3 }),
    },
  ),
  hashed: fc.constantFrom(true, true, true, false),
  strays: few(fc.record({ record: fc.nat(9), stray }), 5),
  inner: few(fc.record({ record: fc.nat(9), change: byteChange })),
  naked: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(fc.nat(9)) }),
  lateKeys: fc.constantFrom(...Array<false>(19).fill(false), true),
  fragment: fc.oneof(
    { weight: 3, arbitrary: fc.constant(16_384) },
    { weight: 1, arbitrary: fc.constantFrom(64, 100, 333) },
    { weight: 1, arbitrary: fc.integer({ min: 30, max: 2_000 }) },
  ),
  padding: fc.constantFrom(0, 0, 0, 1, 100, 16_384),
});
const wireChange: fc.Arbitrary<WireChange> = fc.record({
  at: fc.nat(12),
  how: fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('bytes' as const), change: byteChange }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('drop', 'double', 'late', 'split') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('type' as const), type: contentTypes }) },
  ),
});
const anyPlan: fc.Arbitrary<Plan> = fc.record({
  setting: fc.constantFrom(...settingNames),
  forgery,
  wire: few(wireChange),
  chunk: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constant(65_536)),
  asked: fc.array(fc.constantFrom('write', 'write', 'update-keys', 'close'), { maxLength: 4 }),
  data: fc.array(fc.constantFrom(0, 1, 20, 500, 16_384), { maxLength: 4 }),
  closes: fc.boolean(),
});

/** A ClientHello that offers early data, and what may be taken for it. */
const early: Forgery['edits'][number] = {
  message: 0,
  edit: {
    kind: 'extension',
    what: 'add',
    which: 0,
    type: 42,
    data: new Uint8Array(),
    change: { kind: 'cut', at: 0 },
  },
};
const earlyData = fc
  .tuple(anyPlan, fc.array(fc.constantFrom(0, 1, 17, 400, 9_000, 16_384), { maxLength: 4 }))
  .map(([plan, lengths]): Plan => {
    const strays = lengths.map((bytes) => ({ record: 1, stray: { kind: 'plain data', bytes } as const }));
    const { forgery } = plan;
    return {
      ...plan,
      forgery: { ...forgery, edits: [early, ...forgery.edits.slice(1)], strays: [...strays, ...forgery.strays] },
    };
  });
/** A client that shows no certificate. */
const noProof: Forgery['edits'][number] = {
  message: 1,
  edit: { kind: 'chain', what: 'empty', which: 0, data: new Uint8Array(), change: { kind: 'cut', at: 0 } },
};
const noSignature: Forgery['edits'][number] = { message: 2, edit: { kind: 'drop' } };
/** One thing is wrong and nothing else, so that what would hide it does not come first. */
const single = fc
  .tuple(
    fc.constantFrom(...settingNames),
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ edits: fc.tuple(fc.record({ message: fc.nat(5), edit })) }) },
      { weight: 2, arbitrary: fc.record({ strays: fc.tuple(fc.record({ record: fc.nat(6), stray })) }) },
      { weight: 1, arbitrary: fc.record({ inner: fc.tuple(fc.record({ record: fc.nat(6), change: byteChange })) }) },
      { weight: 1, arbitrary: fc.record({ naked: fc.tuple(fc.nat(9)) }) },
      { weight: 1, arbitrary: fc.constantFrom({ lateKeys: true }, { edits: [noProof, noSignature] }) },
      { weight: 2, arbitrary: fc.record({ wire: fc.tuple(wireChange) }) },
    ),
  )
  .map(([setting, { wire, ...wrong }]: [SettingName, Partial<Forgery & Pick<Plan, 'wire'>>]): Plan => {
    return { ...honest, setting, wire: wire ?? [], forgery: { ...honest.forgery, ...wrong } };
  });
export const plan: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 8, arbitrary: single },
  { weight: 6, arbitrary: anyPlan },
  { weight: 1, arbitrary: earlyData },
);

const now = Date.now();
const monotonic = { now: 0 };
const limits = resolveLimits({});
const secret = new TextEncoder().encode('never in clear text, whatever the other side does');
const mostRecord = 5 + 16_640;
const mostEarly = 16_384;

/** Bytes that depend on the seed alone. */
function seeded(seed: number): (length: number) => Uint8Array {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  };
  return (length) => Uint8Array.from({ length }, next);
}

const hostOf = (seed: number): TlsHost => {
  const random = seeded(seed);
  return { wallClock: () => now, monotonicClock: () => monotonic.now, random: (length) => random(length), limits };
};

/** Everything that runs of one setting share. */
interface Setting {
  readonly engines: Readonly<Record<Role, TlsEngineFactory>>;
  readonly forgers: Readonly<Record<Role, (connection: HandshakeConnection) => Handshake>>;
  /** DER leaves by whose they are. */
  readonly leaves: Readonly<Record<Role, Uint8Array>>;
  readonly mayPreShared: boolean;
  readonly clientMustProve: boolean;
  /** Makes the session ready again, for the engine and for a forger. */
  prepare(): void;
}

export interface Outcome {
  /** The error's name, `closed` or `cut`. */
  readonly end: string;
  readonly why: string | undefined;
  readonly negotiated: boolean;
}

/** Makes the credentials, and records one connection of each setting to replay. */
export async function tls13Fuzz(pki: TestPki): Promise<(role: Role, plan: Plan) => Outcome> {
  let transcripts = new Transcripts();
  const engine = tls13EngineOn(listeningCrypto(() => transcripts));
  const [server, client] = [await pki.leaf('ed25519'), await pki.leaf('client')];
  const pem = (leaf: typeof server) => ({ cert: leaf.certificatePem, key: leaf.keyPem });
  const psk = { identity: Uint8Array.of(1, 2, 3), key: seeded(99)(32) };
  const alpnProtocols = ['h2', 'http/1.1'];
  const base = {
    client: { serverName: 'localhost', ca: pki.authorityPem, alpnProtocols, sessions: 'none' },
    server: { credentials: pem(server), alpnProtocols },
  } as const satisfies { client: Tls13ClientOptions; server: Tls13ServerOptions };
  const options: Record<SettingName, { client: Partial<Tls13ClientOptions>; server: Partial<Tls13ServerOptions> }> = {
    plain: { client: { requestOcsp: true }, server: { ocspStaple: Uint8Array.of(0x30, 0) } },
    retry: { client: { groups: ['x25519', 'secp256r1'] }, server: { groups: ['secp256r1'] } },
    'client certificate': {
      client: { credentials: pem(client) },
      server: { clientAuth: 'require', clientCa: pki.authorityPem },
    },
    'external key': { client: { externalPsks: psk }, server: { externalPsks: psk } },
    resumption: { client: { sessions: memorySessions() }, server: { ticketKeys: seeded(98)(32) } },
    'small records': { client: { recordSizeLimit: 200 }, server: { recordSizeLimit: 300 } },
  };
  const der = (leaf: typeof server): Uint8Array =>
    new Uint8Array(Buffer.from(leaf.certificatePem.match(/-----\n([^-]*)-----END/)?.[1] ?? '', 'base64'));

  const settings = new Map<SettingName, Setting>();
  for (const name of settingNames) {
    const given = {
      client: { ...base.client, ...options[name].client },
      server: { ...base.server, ...options[name].server },
    };
    const forClient = clientSettings(nodeCrypto, given.client);
    const forServer = serverSettings(nodeCrypto, given.server);
    let session: { readonly kept: Tls13Session; readonly chain: readonly Uint8Array[] } | undefined;
    const setting: Setting = {
      engines: { client: engine.client(given.client), server: engine.server(given.server) },
      forgers: {
        client: (connection) => new ClientHandshake(connection, forClient),
        server: (connection) => new ServerHandshake(connection, forServer),
      },
      leaves: { client: der(client), server: der(server) },
      mayPreShared: name === 'external key' || name === 'resumption',
      clientMustProve: name === 'client certificate',
      prepare: () => {
        if (session === undefined) return;
        while (forClient.sessions.take(hostOf(0)) !== undefined);
        const { kept, chain } = session;
        forClient.sessions.put({ ...kept, psk: kept.psk.slice() }, chain, now);
      },
    };
    settings.set(name, setting);
    if (name === 'resumption') {
      run(setting, 'client', honest, [], 5);
      const offer = forClient.sessions.take(hostOf(0));
      if (offer === undefined) throw new Error('no session came of the first connection');
      const { identity: ticket, key } = offer.psk;
      const suite = 'TLS_AES_128_GCM_SHA256' as const;
      session = {
        kept: { ticket, psk: key.slice(), suite, ageAdd: 7, receivedAt: now, lifetime: 3_600 },
        chain: offer.chain,
      };
    }
  }
  const foreign: Record<Role, Uint8Array[]> = { client: [], server: [] };
  for (const role of roles)
    for (const setting of settings.values()) {
      const { end, negotiated } = run(setting, role, honest, [], 3, (bytes) => foreign[role].push(bytes));
      if (end !== 'closed' || !negotiated) throw new Error(`an honest peer of a ${role} came to: ${end}`);
    }

  function run(
    setting: Setting,
    role: Role,
    plan: Plan,
    replayed: readonly Uint8Array[],
    seed: number,
    record?: (bytes: Uint8Array) => void,
  ): Outcome {
    transcripts = new Transcripts();
    setting.prepare();
    const side = new EngineSide(role, setting.engines[role], hostOf(seed));
    const other = role === 'client' ? 'server' : 'client';
    setting.prepare();
    const forger = new Forger(setting.forgers[other], hostOf(seed + 1), plan.forgery, replayed);
    const object = (what: string): never => {
      throw new Error(what);
    };
    const made: Uint8Array[] = [];
    const wire = new Wire(plan.wire);
    const asked = [...plan.asked];
    let isSaid = false;
    const give = (bytes: Uint8Array): void => {
      for (let at = 0; at < bytes.length && !side.over && !side.closeReceived; at += plan.chunk) {
        side.give(bytes.slice(at, at + plan.chunk));
        const held = side.bytes.given - side.bytes.consumed;
        if (held > mostRecord && !side.over && !side.closeReceived) object(`${held} bytes are held`);
      }
    };
    for (let turn = 0; turn < 12; turn++) {
      if (side.maySend) {
        const what = asked.shift();
        if (what === 'write') side.write(secret);
        else if (what !== undefined) side.actions.push(what);
      }
      side.step();
      const up = joined(side.out.splice(0).map(({ copy }) => copy));
      if (up.length > 0) made.push(up);
      if (up.length > 0) forger.receive(up);
      if (forger.connected !== undefined && !isSaid) {
        isSaid = true;
        for (const length of plan.data) forger.send(new Uint8Array(length).fill(length % 251));
        if (plan.closes) forger.closeNotify();
      }
      const records = forger.take();
      for (const { bytes } of records) record?.(bytes);
      const down = wire.pass(records);
      give(down);
      if (up.length + down.length === 0 && asked.length === 0) break;
    }
    give(wire.rest());
    judge();
    side.end();
    if (!side.over && !side.closeReceived && side.bytes.given !== side.bytes.consumed) object('not all was consumed');
    // Whatever is called after the end is silent.
    if (side.over) {
      side.give(Uint8Array.of(22, 3, 3, 0, 1, 1));
      side.engine.sendPlaintext(secret);
      side.engine.sendCloseNotify();
      side.engine.resume();
    }
    side.destroy();
    side.assertKept();
    made.push(...side.out.map(({ copy }) => copy));
    const wireOut = Buffer.concat(made);
    if (wireOut.includes(Buffer.from(secret))) object('clear text on the wire');
    if (wireOut.length > 60_000 + 2 * side.bytes.given) object(`${wireOut.length} bytes were made`);
    const [error] = side.failures;
    return {
      end: error?.name ?? (side.closeReceived ? 'closed' : 'cut'),
      why: error?.message,
      negotiated: side.negotiated !== undefined,
    };

    function judge(): void {
      const [error] = side.failures;
      if (error !== undefined) check(wrongError(error, side));
      check(transcripts.wrong);
      if (side.negotiated !== undefined) check(notProved());
      if (forger.wasNaked && isHonest(plan.forgery) && plan.wire.length === 0) {
        const alert = error?.alert ?? 'none';
        // RFC 8446 §5.2 of data, §5 of all others.
        if (alert !== 'unexpected_message' && alert !== 'bad_record_mac')
          object(`a record had no protection, and: ${error?.name} ${alert}`);
      }
      const isOpen = error === undefined && !side.closeReceived;
      if (forger.plainBytes > mostEarly && plan.wire.length === 0 && isOpen)
        object(`${forger.plainBytes} bytes of early data were borne`);
      const sent = joined(forger.sentData);
      if (!Buffer.from(sent.subarray(0, side.received.length)).equals(side.received))
        object('plaintext that nobody sent');
      // One that had no protection is refused for that, before or after.
      if (wire.onlyFlip !== undefined && isHonest(plan.forgery) && !forger.wasNaked && error !== undefined)
        if (!(error instanceof PeerMisbehavedError) || error.alert !== 'bad_record_mac')
          object(`a bit of a protected record's body was flipped, and: ${error.name} ${error.alert}`);
    }

    function check(what: string | undefined): void {
      if (what !== undefined) object(what);
    }

    function notProved(): string | undefined {
      const { whole } = transcripts;
      if (whole === undefined) return 'negotiated before the handshake was whole';
      const { messages, isPreShared } = whole;
      if (isPreShared && !setting.mayPreShared) return 'a pre-shared key where there is none';
      const isMade = (message: Uint8Array | undefined): boolean =>
        message !== undefined && forger.made.some((one) => Buffer.from(one).equals(message));
      const finished = messages.filter(([type]) => type === 20);
      if (!isMade(finished[other === 'server' ? 0 : 1])) return 'a Finished that the peer did not make';
      const mustProve = !isPreShared && (other === 'server' || setting.clientMustProve);
      // RFC 8446 §4.2.11: a binder is over the whole ClientHello.
      const hello = messages.filter(([type]) => type === 1).at(-1);
      if (isPreShared && other === 'client' && !isMade(hello)) return 'a ClientHello that the key is not bound to';
      const proofs = messages.filter(([type]) => type === 15);
      const proof = other === 'server' ? proofs[0] : proofs[1];
      const chain = side.negotiated?.peer.chain ?? [];
      if (!mustProve) return chain.length > 0 && !isPreShared ? 'a chain that nobody proved' : undefined;
      if (!isMade(proof)) return 'a CertificateVerify that the peer did not make';
      if (!Buffer.from(chain[0] ?? []).equals(setting.leaves[other])) return 'the leaf of somebody else';
      return undefined;
    }
  }

  return (role, plan) => {
    const started = performance.now();
    const outcome = run(settings.get(plan.setting)!, role, plan, foreign[role], 1);
    if (performance.now() - started > 10_000) throw new Error('it took more than ten seconds');
    return outcome;
  };
}

const isHonest = ({ edits, strays, inner }: Forgery): boolean => edits.length + strays.length + inner.length === 0;

const alerts: readonly (readonly [new (...args: never[]) => TlsError, readonly AlertDescription[]])[] = [
  [
    CertificateError,
    [
      'bad_certificate',
      'unknown_ca',
      'certificate_expired',
      'unsupported_certificate',
      'decrypt_error',
      'certificate_required',
      'certificate_unknown',
      'decode_error',
    ],
  ],
  [PeerIncompatibleError, ['handshake_failure', 'protocol_version', 'no_application_protocol', 'unrecognized_name']],
  [LimitExceededError, ['unexpected_message', 'decode_error']],
  [NotTlsError, ['unexpected_message']],
  [
    PeerMisbehavedError,
    [
      'unexpected_message',
      'bad_record_mac',
      'record_overflow',
      'decode_error',
      'illegal_parameter',
      'decrypt_error',
      'missing_extension',
      'unsupported_extension',
      'protocol_version',
    ],
  ],
];

/** What is wrong with an error: not the peer's fault, an alert of another class, or not the one that was sent. */
function wrongError(error: TlsError, { events }: EngineSide): string | undefined {
  const sent = events.flatMap((event) =>
    event.type === 'alert' && event.direction === 'sent' && event.level === 'fatal' ? [event.description] : [],
  );
  const closed = events.some(
    (event) => event.type === 'alert' && event.direction === 'sent' && event.description === 'close_notify',
  );
  if (error instanceof AlertReceivedError)
    return sent.length === 0 ? undefined : `answered an alert with ${sent.join()}`;
  const allowed = alerts.find(([kind]) => error instanceof kind)?.[1];
  const alert = alertForError(error);
  if (allowed === undefined) return `failed with ${error.name}: ${error.message} ${String(error.cause)}`;
  if (!allowed.includes(alert)) return `${error.name} with the alert ${alert}: ${error.message}`;
  const due = closed ? '' : alert;
  return sent.join() === due ? undefined : `the alert ${sent.join()} was sent for ${alert}`;
}

/** The way from the forger to the engine. */
class Wire {
  readonly #changes: readonly WireChange[];
  #late: Uint8Array[] = [];
  #records = 0;
  #flips = 0;

  constructor(changes: readonly WireChange[]) {
    this.#changes = changes;
  }

  /** All that was done to the records was to flip one bit, in the body of a protected one. */
  get onlyFlip(): true | undefined {
    return this.#changes.length === 1 && this.#flips === 1 ? true : undefined;
  }

  pass(records: readonly SentRecord[]): Uint8Array {
    return joined(records.flatMap((record) => this.#passed(record)));
  }

  rest(): Uint8Array {
    return joined(this.#late.splice(0));
  }

  #passed(record: SentRecord): Uint8Array[] {
    const number = this.#records++;
    let units = [record.bytes];
    let isLate = false;
    for (const { at, how } of this.#changes) {
      if (at !== number) continue;
      if (how.kind === 'late') isLate = true;
      else units = units.flatMap((unit) => changedRecord(unit, how));
      if (how.kind === 'bytes' && how.change.kind === 'flip' && record.isProtected)
        if (Math.floor(how.change.at * record.bytes.length) >= 5) this.#flips++;
    }
    if (isLate) {
      this.#late.push(...units);
      return [];
    }
    return [...units, ...this.#late.splice(0)];
  }
}

function changedRecord(unit: Uint8Array, how: WireChange['how']): Uint8Array[] {
  if (how.kind === 'bytes') return [changedBytes(unit, how.change)];
  if (how.kind === 'drop') return [];
  if (how.kind === 'double') return [unit, unit.slice()];
  if (how.kind === 'type') return [joined([Uint8Array.of(how.type), unit.subarray(1)])];
  if (how.kind === 'late') return [unit];
  const cut = 5 + Math.floor((unit.length - 5) / 2);
  const part = (body: Uint8Array): Uint8Array =>
    joined([unit.subarray(0, 3), Uint8Array.of(body.length >> 8, body.length), body]);
  return [part(unit.subarray(5, cut)), part(unit.subarray(cut))];
}
