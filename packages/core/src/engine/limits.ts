import { ApiMisuseError } from './tls-error.ts';

/** A token bucket: `burst` at once, refilled by time alone. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Every bound of a connection, in one place. Times in milliseconds, sizes in bytes.
 * A limit that is hit is a `LimitExceededError` (or `HandshakeTimeoutError`) that names it.
 */
export interface Limits {
  /** Handshake, verification and tasks together, from admission; and each renegotiation. */
  readonly handshakeTimeout: number;
  /** A complete ClientHello, from the connection's start (servers). */
  readonly clientHelloTimeout: number;
  /** Closing without progress, and hearing what came before the wire broke. */
  readonly closeTimeout: number;
  /** One run of a user's function. */
  readonly taskTimeout: number;
  readonly maxClientHelloBytes: number;
  readonly maxClientHelloWireBytes: number;
  readonly maxClientHelloRecords: number;
  readonly maxHandshakeMessageBytes: number;
  readonly maxHandshakeBytes: number;
  /** The write queue's bounds; past them a write is refused. */
  readonly maxQueuedBytes: number;
  readonly maxQueuedWrites: number;
  readonly maxQueuedBytesBeforeHandshake: number;
  /** Bytes taken from the transport and not yet read: asked for up to the high mark, again when at or under the low one. */
  readonly readHighWater: number;
  readonly readLowWater: number;
  /** Up to where a layer above may write, and `writeFrom` pull (which stops at 64 KiB by itself); at or under the low mark it goes on. */
  readonly writeHighWater: number;
  readonly writeLowWater: number;
  /** Empty records in a row. */
  readonly maxEmptyRecords: number;
  readonly maxWarningAlerts: number;
  readonly postHandshakeMessages: Rate;
  readonly keyUpdates: Rate;
  /** TLS 1.2 renegotiation: refused, or at most this many in a connection. */
  readonly renegotiation: false | { readonly max: number };
  /** Session tickets kept in a connection; more are ignored. */
  readonly maxTickets: number;
  readonly maxPskIdentities: number;
  /** Certificates in a chain. */
  readonly maxChainLength: number;
  readonly minRsaKeyBits: number;
  readonly maxRsaKeyBits: number;
  readonly maxSignatureChecks: number;
  readonly maxNameConstraintComparisons: number;
  /** Records under one AES-GCM key: never more than 2^24.5 (RFC 8446 §5.5). */
  readonly maxAesGcmRecords: number;
  /** Handshakes at once in one `secureEach`; a slot is taken when a ClientHello is complete. */
  readonly maxConcurrentHandshakes: number;
  readonly maxWaitingHandshakes: number;
  /** After this much work in one turn the pump yields to the event loop. */
  readonly maxBytesPerTurn: number;
  readonly maxStepsPerTurn: number;
}

/** Bounds of the dialogue in the clear that comes before TLS: options of an upgrade (`@rxtls/starttls`), not of a connection. */
export interface UpgradeLimits {
  /** Milliseconds from the transport to the go-ahead. */
  readonly upgradeTimeout: number;
  /** Bytes of one line, frame or tag. */
  readonly maxUpgradeLineBytes: number;
  /** Bytes of the whole dialogue. */
  readonly maxUpgradeBytes: number;
}

export type LimitName = keyof Limits | keyof UpgradeLimits;

/** The defaults. */
export const defaultLimits: Limits = Object.freeze<Limits>({
  handshakeTimeout: 10_000,
  clientHelloTimeout: 5_000,
  closeTimeout: 5_000,
  taskTimeout: 5_000,
  maxClientHelloBytes: 65_536,
  maxClientHelloWireBytes: 131_072,
  maxClientHelloRecords: 4_096,
  maxHandshakeMessageBytes: 65_536,
  maxHandshakeBytes: 262_144,
  maxQueuedBytes: 1_048_576,
  maxQueuedWrites: 4_096,
  maxQueuedBytesBeforeHandshake: 65_536,
  readHighWater: 262_144,
  readLowWater: 65_536,
  writeHighWater: 524_288,
  writeLowWater: 131_072,
  maxEmptyRecords: 32,
  maxWarningAlerts: 4,
  postHandshakeMessages: Object.freeze({ burst: 32, perSecond: 32 }),
  keyUpdates: Object.freeze({ burst: 32, perSecond: 8 }),
  renegotiation: false,
  maxTickets: 16,
  maxPskIdentities: 4,
  maxChainLength: 10,
  minRsaKeyBits: 2_048,
  maxRsaKeyBits: 8_192,
  maxSignatureChecks: 64,
  maxNameConstraintComparisons: 65_536,
  maxAesGcmRecords: 23_726_566,
  maxConcurrentHandshakes: 256,
  maxWaitingHandshakes: 1_024,
  maxBytesPerTurn: 262_144,
  maxStepsPerTurn: 1_000,
});

const mayBeZero: ReadonlySet<string> = new Set<LimitName>([
  'readLowWater',
  'writeLowWater',
  'maxEmptyRecords',
  'maxWarningAlerts',
  'maxTickets',
  'maxPskIdentities',
  'maxWaitingHandshakes',
  'maxQueuedBytesBeforeHandshake',
]);

/** The longest delay a timer takes, in milliseconds; past it Node's fire at once. */
const longest = 2 ** 31 - 1;

const isWhole = (value: unknown, least: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least;

/**
 * The defaults with the caller's own values over them, each checked.
 * @throws ApiMisuseError for an unknown name or a value that would switch a limit off or make no sense.
 */
export function resolveLimits(own: Partial<Limits> | undefined): Limits {
  if (own === undefined) return defaultLimits;
  if (typeof own !== 'object' || own === null) throw new ApiMisuseError('limits must be an object of named limits');
  const limits: Record<string, unknown> = { ...defaultLimits };
  for (const [name, value] of Object.entries(own)) {
    if (!Object.hasOwn(defaultLimits, name)) throw new ApiMisuseError(`limits.${name} is not a limit of rxtls`);
    if (value === undefined) continue;
    check(name as LimitName, value);
    limits[name] = value;
  }
  const result = limits as unknown as Limits;
  if (result.readLowWater >= result.readHighWater)
    throw new ApiMisuseError('limits.readLowWater must be under limits.readHighWater');
  if (result.writeLowWater >= result.writeHighWater)
    throw new ApiMisuseError('limits.writeLowWater must be under limits.writeHighWater');
  return Object.freeze(result);
}

function check(name: LimitName, value: unknown): void {
  if (name === 'renegotiation') {
    if (value === false || isWhole((value as { max?: unknown } | null)?.max, 1)) return;
    throw new ApiMisuseError('limits.renegotiation must be false or { max: n } with n of at least 1');
  }
  if (name === 'postHandshakeMessages' || name === 'keyUpdates') {
    const rate = value as Partial<Rate> | null;
    if (isWhole(rate?.burst, 1) && isWhole(rate?.perSecond, 1)) return;
    throw new ApiMisuseError(`limits.${name} must be { burst, perSecond } with whole numbers of at least 1`);
  }
  if (!isWhole(value, mayBeZero.has(name) ? 0 : 1))
    throw new ApiMisuseError(`limits.${name} must be a whole number of at least ${mayBeZero.has(name) ? 0 : 1}`);
  if (name.endsWith('Timeout') && value > longest)
    throw new ApiMisuseError(`limits.${name} must be at most ${longest} milliseconds, which is 24 days`);
  if (name === 'maxAesGcmRecords' && value > defaultLimits.maxAesGcmRecords)
    throw new ApiMisuseError(
      `limits.maxAesGcmRecords must be at most ${defaultLimits.maxAesGcmRecords} (RFC 8446 §5.5)`,
    );
}
