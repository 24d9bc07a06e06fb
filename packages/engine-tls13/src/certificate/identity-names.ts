import type { SubjectAlternativeNames } from '@rxtls/core/engine-parts';
import type { GeneralName } from './general-name.ts';
import { latin1Text } from './latin1-text.ts';

/**
 * The names of a subjectAltName that a client may compare with the one it asked for; the same as `subjectAlternativeNames` of core
 * finds, out of what is parsed already. A name with a byte that no host name has is none, so that nothing is mistaken for another.
 */
export function identityNames(names: readonly GeneralName[]): SubjectAlternativeNames {
  const dns: string[] = [];
  const addresses: Uint8Array[] = [];
  for (const name of names) {
    if (name.form === 'dNSName') {
      const text = latin1Text(name.content).toLowerCase();
      if (/^[a-z0-9_.*-]+$/.test(text)) dns.push(text);
    } else if (name.form === 'iPAddress') addresses.push(name.content);
  }
  return { dns, addresses };
}
