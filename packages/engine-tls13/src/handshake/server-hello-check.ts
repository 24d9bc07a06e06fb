import { equalBytes } from '@rxtls/core/engine-parts';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import { extensionType } from './extensions/extension-type.ts';
import { decodeSupportedVersionsServer } from './extensions/supported-versions.ts';
import { illegal, incompatible } from './handshake-checks.ts';
import { hasDowngradeSentinel } from './messages/hello-random.ts';
import type { ServerHello } from './messages/server-hello.ts';

/**
 * What ServerHello and HelloRetryRequest have in common (RFC 8446 §4.1.3): version, echoed session id, cipher suite.
 * @throws PeerIncompatibleError `protocol_version` for an older server; PeerMisbehavedError
 */
export function checkServerHello(
  hello: ServerHello,
  sent: { readonly sessionId: Uint8Array; readonly suites: readonly CipherSuite[] },
): CipherSuite {
  const versions = hello.extensions.get(extensionType.supported_versions);
  if (versions === undefined) {
    // RFC 8446 §4.1.3: clients "MUST check that the last 8 bytes are not equal to either of these values", else "illegal_parameter".
    if (hasDowngradeSentinel(hello))
      throw illegal('the server speaks TLS 1.3 and was made to choose an older version: someone is between');
    throw incompatible('the server does not speak TLS 1.3; engine-node speaks TLS 1.2 with it', 'protocol_version');
  }
  decodeSupportedVersionsServer(versions);
  // RFC 8446 §4.1.3: "A client which receives a legacy_session_id_echo field that does not match what it sent ... "illegal_parameter"".
  if (!equalBytes(hello.sessionIdEcho, sent.sessionId)) throw illegal('the server does not echo legacy_session_id');
  // RFC 8446 §4.1.3: "A client which receives a cipher suite that was not offered MUST abort the handshake with an "illegal_parameter" alert."
  const suite = sent.suites.find(({ id }) => id === hello.cipherSuite);
  if (suite === undefined) throw illegal('the server chose a cipher suite that was not offered');
  return suite;
}
