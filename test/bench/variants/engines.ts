// What a variant of rxtls is made of: an engine for each role.
import type { TlsEngineFactory } from '@rxtls/core/engine';
import type { Variant } from './variant.ts';

export interface Engines {
  readonly server: TlsEngineFactory<'server'>;
  /** Never resumes. */
  readonly fullClient: TlsEngineFactory<'client'>;
  /** Resumes where it can. */
  readonly resumingClient: TlsEngineFactory<'client'>;
  readonly sessions?: Pick<Variant, 'sessionsPerConnection'>;
}
