import type { HandshakeTypeName } from './messages/handshake-type.ts';

/** What a server does with a message. */
export type ServerStep = 'clientHello' | 'secondClientHello' | 'certificate' | 'certificateVerify' | 'finished';

/** The states of RFC 8446 Appendix A.2 that wait for a message; `RETRY` is START after a HelloRetryRequest. */
export type ServerState = 'START' | 'RETRY' | 'NEGOTIATED' | 'WAIT_CERT' | 'WAIT_CV' | 'WAIT_FINISHED' | 'CONNECTED';

/** Which message is taken in which state, and by what; every other one is `unexpected_message`. */
export const serverStates: Readonly<Record<ServerState, Readonly<Partial<Record<HandshakeTypeName, ServerStep>>>>> =
  Object.freeze({
    START: { client_hello: 'clientHello' },
    RETRY: { client_hello: 'secondClientHello' },
    // Our flight is being made: a signature is waited for.
    NEGOTIATED: {},
    WAIT_CERT: { certificate: 'certificate' },
    WAIT_CV: { certificate_verify: 'certificateVerify' },
    WAIT_FINISHED: { finished: 'finished' },
    CONNECTED: {},
  });
