import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import { ownOptions } from '@rxtls/core/engine-parts';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { misbehaved, refused } from './refusal.ts';
import { line, type Script } from './script.ts';
import { targetOption } from './target.ts';
import { upgrade } from './upgrade.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

export interface HttpConnectOptions extends UpgradeOptions {
  /** More header fields, such as `Proxy-Authorization`. Their values are never in an error. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A tunnel through an HTTP proxy (CONNECT, RFC 9110 §9.3.6, in HTTP/1.1): what comes out is the transport to the target. Only a
 * 2xx opens it; 1xx before that are passed over, and Content-Length and Transfer-Encoding in a 2xx mean nothing. What the
 * target has sent right behind the answer comes first from the tunnel.
 *
 * Errors as {@link smtpStartTls} does; a refusal is told by its status.
 *
 * @param target `host:port`, an IPv6 address in brackets
 * @throws ApiMisuseError for a target, a header or options that cannot be
 * @example connect(proxy).pipe(httpConnect('inner.example:443'), secure(engine))
 */
export function httpConnect(
  target: string,
  options: HttpConnectOptions = {},
): OperatorFunction<ByteDuplex, ByteDuplex> {
  const { authority } = targetOption('httpConnect', target);
  const { own, settings } = resolveUpgradeOptions('httpConnect', options, ['headers']);
  const request = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headerLines(own.headers)}\r\n`;
  return upgrade(() => ({
    protocol: 'HTTP CONNECT',
    settings,
    remainder: 'tunnelled',
    script: (wire) => dialogue(wire, request),
    result: (duplex) => duplex,
  }));
}

function* dialogue(wire: Wire, request: string): Script {
  wire.ask(request);
  for (;;) {
    const [, status] = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/.exec(yield* line()) ?? [];
    if (status === undefined) throw misbehaved('the first line is no status of HTTP/1.1');
    yield* headerFields();
    if (status.startsWith('2')) return;
    if (status === '407') throw refused('the proxy wants authentication (407): give headers with Proxy-Authorization');
    if (!status.startsWith('1')) throw refused(`the proxy opened no tunnel (${status})`);
    // RFC 9110 §15.2.2: 101 is an answer to Upgrade alone, which was not asked for.
    if (status === '101') throw misbehaved('the proxy switched protocols (101)');
  }
}

/** RFC 9112 §5: a name, a colon at once behind it, and no line that continues another. */
function* headerFields(): Script {
  for (let text = yield* line(); text !== ''; text = yield* line())
    if (!/^[!#$%&'*+.^`|~\w-]+:/.test(text)) throw misbehaved('a line is no header field');
}

/** Fields that say what is not for an option to say. */
const fixed: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'te',
  'trailer',
]);
const longestValue = 8_192;

function headerLines(headers: unknown): string {
  if (headers === undefined) return '';
  const own = ownOptions(headers, Object.keys(headers as object), 'httpConnect: headers');
  return Object.entries(own)
    .map(([name, value]) => {
      if (!/^[!#$%&'*+.^`|~\w-]{1,256}$/.test(name) || fixed.has(name.toLowerCase()))
        throw new ApiMisuseError('httpConnect: headers has a name that is no field name, or not for an option to set');
      // RFC 9110 §5.5: visible characters, spaces and tabs; a CR, LF or NUL would begin another line.
      if (typeof value !== 'string' || value.length > longestValue || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
        throw new ApiMisuseError(`httpConnect: headers: the value of ${name} is no field value`);
      return `${name}: ${value}\r\n`;
    })
    .join('');
}
