import { EngineFailureError, TlsError } from '@rxtls/core/engine';

/** Whatever is thrown that is no TlsError is our own fault or the runtime's: its text is not passed on. */
export const thrownError = (thrown: unknown): TlsError =>
  thrown instanceof TlsError ? thrown : new EngineFailureError('the engine failed', { cause: thrown });
