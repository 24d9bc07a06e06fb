import type { HandshakeTypeName } from './messages/handshake-type.ts';

/** What a client does with a message. */
export type ClientStep =
  | 'serverHello'
  | 'encryptedExtensions'
  | 'certificateRequest'
  | 'certificate'
  | 'certificateVerify'
  | 'finished';

/** The states of RFC 8446 Appendix A.1. */
export type ClientState =
  | 'START'
  | 'WAIT_SH'
  | 'WAIT_EE'
  | 'WAIT_CERT_CR'
  | 'WAIT_CERT'
  | 'WAIT_CV'
  | 'WAIT_FINISHED'
  | 'CONNECTED';

/** Which message is taken in which state, and by what; every other one is `unexpected_message`. */
export const clientStates: Readonly<Record<ClientState, Readonly<Partial<Record<HandshakeTypeName, ClientStep>>>>> =
  Object.freeze({
    START: {},
    // A HelloRetryRequest is a ServerHello by its type (RFC 8446 §4.1.3).
    WAIT_SH: { server_hello: 'serverHello' },
    WAIT_EE: { encrypted_extensions: 'encryptedExtensions' },
    WAIT_CERT_CR: { certificate_request: 'certificateRequest', certificate: 'certificate' },
    WAIT_CERT: { certificate: 'certificate' },
    WAIT_CV: { certificate_verify: 'certificateVerify' },
    WAIT_FINISHED: { finished: 'finished' },
    CONNECTED: {},
  });
