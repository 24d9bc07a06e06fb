/**
 * Theory of operation.
 *
 *   receiveCiphertext ─► RecordReader ─► HandshakeReader ─► role's checks ─► DrivenConnection (node-forge) ─► sink.plaintext
 *        sink.ciphertext ◄──────────────── role.outbound ◄─────────────────────── DrivenConnection ◄─ sendPlaintext
 *
 * node-forge has a sans-I/O TLS: bytes in by `process`, bytes out by callbacks, everything inside the call. It was written
 * for TLS 1.0 and stops there in many ways, so that most of this package stands in front of it.
 *
 * 1. It gets one record at a time, so that `consumed` is exact and nothing is fed behind a close_notify; and one handshake
 *    message at a time, whole and in a record of its own, because it forgets the first of several fragments. Each message in
 *    the clear is judged first (`ClientRole`, `ServerRole`): versions, suites, extensions, the chain. What node-forge would
 *    check of a chain is by the system's clock, without a name, and before any limit on sizes; so it is told that all is well.
 * 2. Behind ChangeCipherSpec the outside of a record says little. `DrivenConnection` stands between decryption and handling
 *    and shows each record to `#opened`, which keeps alerts and renegotiation for itself: to node-forge every alert is fatal,
 *    a close_notify is answered at once and the connection forgotten, and each HelloRequest gets an answer.
 * 3. Alerts go out through node-forge's `error`, marked as not fatal: so any alert can be sent under the keys in use, and
 *    the connection lives on behind our close_notify until the peer's has come.
 * 4. Its callbacks only collect. Sink callbacks are made when the call is over, one by one, each the last thing before the
 *    engine looks again whether it was destroyed. While the call runs, the host's entropy stands in for node-forge's one
 *    generator (`withHostEntropy`), and the hello random is pinned (`pinRandom`), which is also where the downgrade
 *    sentinel goes in. So a seeded host gives the same bytes, and no other user of node-forge in the process notices.
 * 5. A ServerHello gets the renegotiation_info that clients of today insist on (RFC 5746): it is put into the bytes that go
 *    out and into those that both handshake hashes see. Nothing is renegotiated, so that it is always empty.
 * 6. node-forge asks nobody and waits for nobody. The user's `verify` therefore runs when both Finished messages are
 *    through, and until it has answered no record is read and nothing may be sent.
 *
 * Refused: to swap the global `Date` as entropy is swapped (everybody in the process has one); to rewrite the Certificate
 * message (its hash must be the peer's); node-forge's session cache (it keeps sessions without their chain and their scope).
 */
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { clientFactory } from './client-factory.ts';
import type { ForgeClientOptions } from './client-options.ts';
import { serverFactory } from './server-factory.ts';
import type { ForgeServerOptions } from './server-options.ts';

/**
 * TLS 1.0 and 1.1 in nothing but JavaScript, for legacy peers, behind `dangerouslyAllowLegacyVersions: true`. Factories are
 * values: make one, use it for any number of connections.
 */
export const forgeEngine: {
  /** A client's engine: TLS 1.1 and 1.0. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  client(options: ForgeClientOptions): TlsEngineFactory<'client'>;
  /** A server's engine: TLS 1.0. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  server(options: ForgeServerOptions): TlsEngineFactory<'server'>;
} = Object.freeze({ client: clientFactory, server: serverFactory });
