// The calls of node:crypto that a connection cannot do without, with nothing around them.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import { nodeCrypto } from '@rxtls/engine-tls13/node';
import { certificatePem, host, keyPem, slice, sliceBytes } from './setting.ts';
import type { Subject } from './subject.ts';

const [key, iv, header] = [randomBytes(16), randomBytes(12), randomBytes(5)];
const record = slice(16_384);

function sealAndOpen(): void {
  const cipher = createCipheriv('aes-128-gcm', key, iv, { authTagLength: 16 });
  cipher.setAAD(header);
  const sealed = cipher.update(record);
  cipher.final();
  const decipher = createDecipheriv('aes-128-gcm', key, iv, { authTagLength: 16 });
  decipher.setAAD(header);
  decipher.setAuthTag(cipher.getAuthTag());
  decipher.update(sealed);
  decipher.final();
}

/** Both shares, and both sides of the agreement. */
function agree(): void {
  const ours = nodeCrypto.keyShare('x25519', (length, label) => host.random(length, label));
  const theirs = nodeCrypto.keyAgreement('x25519', ours.publicKey, (length, label) => host.random(length, label));
  ours.agree(theirs!.publicKey);
}

export function bareSubject(): Promise<Subject> {
  const privateKey = createPrivateKey(keyPem);
  const publicKey = createPublicKey(
    new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  const message = slice(130);
  const bulk = (bytes: number) => (count: number) => {
    for (let n = (count * bytes) / record.length; n > 0; n--) sealAndOpen();
  };
  return Promise.resolve({
    'bulk 16 KiB': bulk(sliceBytes['bulk 16 KiB']),
    'bulk 64 KiB': bulk(sliceBytes['bulk 64 KiB']),
    full(count) {
      for (let n = 0; n < count; n++) {
        agree();
        const signature = sign('sha256', message, { key: privateKey });
        // CertificateVerify, and two certificates of the chain.
        for (let check = 0; check < 3; check++) verify('sha256', message, { key: publicKey }, signature);
      }
    },
    resumed(count) {
      for (let n = 0; n < count; n++) agree();
    },
  });
}
