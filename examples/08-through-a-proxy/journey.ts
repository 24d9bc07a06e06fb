import type { TlsEngineFactory } from '@rxtls/core';

/** Through which proxy, to whom, and by which engines. */
export interface Journey {
  readonly proxy: { readonly host: string; readonly port: number };
  readonly outer: TlsEngineFactory<'client'>;
  /** What the proxy is told of who asks; absent: nothing. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** `host:port`, as the proxy is asked for it. */
  readonly target: string;
  readonly path: string;
  readonly inner: TlsEngineFactory<'client'>;
}
