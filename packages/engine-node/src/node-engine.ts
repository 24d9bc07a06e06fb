/**
 * Theory of operation.
 *
 *   receiveCiphertext ─► RecordFeed ─► MemoryWire ─► TLSSocket (OpenSSL) ─► InboundGate ─► sink.plaintext
 *        sink.ciphertext ◄─ SentRecords ◄─ MemoryWire ◄─ TLSSocket ◄─ sendPlaintext
 *
 * Node has no sans-I/O TLS. It has TLSSocket over any Duplex, so a duplex of ours, `MemoryWire`, stands where a socket
 * would: what OpenSSL writes to it is ciphertext out, what is pushed into it is ciphertext in. Four facts shape the rest.
 *
 * 1. A push reaches OpenSSL inside the call, and the plaintext in it comes out inside the call. So records go in one at
 *    a time (`RecordFeed`), and of each it is known what came of it: `consumed` is exact. Feeding whole chunks was
 *    tried on paper: a padded close_notify in the middle would take what follows it along.
 * 2. Node shows a close_notify as 'end', in the tick after the push, and the transport's end as the same 'end'. So the
 *    wire's readable side never ends, and after a record without plaintext one tick passes before the next goes in.
 * 3. Node gives plaintext as soon as OpenSSL is content, before we have judged the peer, and goes on after `pause`. So
 *    plaintext, with the consumption and the close_notify that belong behind it, waits in `InboundGate`.
 * 4. Node's verification, sessions and name checks have holes (see test/sessions.test.ts and verification.test.ts).
 *    So `rejectUnauthorized` is off on both sides, and the judgement is ours in `authenticate`: OpenSSL's verdict on the
 *    chain of a full handshake, and our own checks of name, usage, validity and sizes on every handshake. The price: a
 *    refused certificate sends no alert.
 *
 * One write is in the TLSSocket at a time: OpenSSL seals it inside the call, so nothing is copied. With a second one Node
 * would keep a reference to the caller's array. It says that a write is done a turn of the event loop later, which costs
 * more than to seal a small one; so what comes meanwhile is copied and gathered (`SocketWriter`), up to 64 KiB, and makes
 * the next write. Core's queue stays the only one that has intents. Nothing is gathered where there may be a renegotiation:
 * OpenSSL takes no write in the middle of that, and what is gathered could neither go out nor be given back.
 *
 * Servers go through a `tls.Server` that never listens, since a bare server-side TLSSocket has no ALPN, no ticket keys
 * and does not enforce what it is told. Its events name no duplex; `NodeServer.enter` says how they find their engine.
 * Each virtual host has a server of its own, chosen by the ClientHello before OpenSSL starts, so that sessions never meet.
 *
 * Refused: underscore properties and `_handle` (a wrong call on a handle aborts the process); renegotiation begun by a
 * server (Node makes an empty write for it, and a record that comes before that is done fails an assertion nobody can
 * catch); AsyncLocalStorage to find engines (on Node 20 it slows every promise of the process).
 */
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { clientFactory } from './client-factory.ts';
import type { NodeClientOptions } from './client-options.ts';
import { serverFactory } from './server-factory.ts';
import type { NodeServerOptions } from './server-options.ts';

/** TLS 1.2 and 1.3 by the OpenSSL inside Node. Factories are values: make one, use it for any number of connections. */
export const nodeEngine: {
  /** A client's engine. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  client(options: NodeClientOptions): TlsEngineFactory<'client'>;
  /** A server's engine. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  server(options: NodeServerOptions): TlsEngineFactory<'server'>;
} = Object.freeze({ client: clientFactory, server: serverFactory });
