/** The answers of OpenSSL's non-blocking calls as states: what the engine waits for, or that it waits for nothing. */
export const engineState = {
  ready: 'READY',
  wantRead: 'WANT_READ',
  wantWrite: 'WANT_WRITE',
  wantX509Lookup: 'WANT_X509_LOOKUP',
  wantAsync: 'WANT_ASYNC',
  wantClientHelloCb: 'WANT_CLIENT_HELLO_CB',
} as const;

/** One of OpenSSL's `SSL_ERROR_WANT_*` without the prefix, or `READY`. */
export type EngineState = (typeof engineState)[keyof typeof engineState];

/** What the engine would answer to a write now. `maySend` only when the state is `READY`. */
export interface EngineReadiness {
  readonly state: EngineState;
  /** `sendPlaintext` and `updateKeys` may be called. */
  readonly maySend: boolean;
}

const readiness = (state: EngineState): EngineReadiness => Object.freeze({ state, maySend: state === 'READY' });

/** The six values of {@link EngineReadiness}, made once so that a change of state allocates nothing. */
export const engineReadiness: Readonly<Record<keyof typeof engineState, EngineReadiness>> = Object.freeze({
  ready: readiness('READY'),
  wantRead: readiness('WANT_READ'),
  wantWrite: readiness('WANT_WRITE'),
  wantX509Lookup: readiness('WANT_X509_LOOKUP'),
  wantAsync: readiness('WANT_ASYNC'),
  wantClientHelloCb: readiness('WANT_CLIENT_HELLO_CB'),
});
