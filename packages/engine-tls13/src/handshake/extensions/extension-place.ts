import { type ExtensionName, extensionType } from './extension-type.ts';

/** Messages that carry extensions. */
export type ExtensionPlace =
  | 'ClientHello'
  | 'ServerHello'
  | 'HelloRetryRequest'
  | 'EncryptedExtensions'
  | 'CertificateRequest'
  | 'Certificate'
  | 'NewSessionTicket';

/** The table of RFC 8446 §4.2; server_name in CertificateRequest is RFC 9846's (§4.3), compress_certificate RFC 8879's. */
const places: Readonly<Record<ExtensionName, readonly ExtensionPlace[]>> = {
  server_name: ['ClientHello', 'EncryptedExtensions', 'CertificateRequest'],
  max_fragment_length: ['ClientHello', 'EncryptedExtensions'],
  status_request: ['ClientHello', 'CertificateRequest', 'Certificate'],
  supported_groups: ['ClientHello', 'EncryptedExtensions'],
  signature_algorithms: ['ClientHello', 'CertificateRequest'],
  use_srtp: ['ClientHello', 'EncryptedExtensions'],
  heartbeat: ['ClientHello', 'EncryptedExtensions'],
  application_layer_protocol_negotiation: ['ClientHello', 'EncryptedExtensions'],
  signed_certificate_timestamp: ['ClientHello', 'CertificateRequest', 'Certificate'],
  client_certificate_type: ['ClientHello', 'EncryptedExtensions'],
  server_certificate_type: ['ClientHello', 'EncryptedExtensions'],
  padding: ['ClientHello'],
  compress_certificate: ['ClientHello', 'CertificateRequest'],
  record_size_limit: ['ClientHello', 'EncryptedExtensions'],
  pre_shared_key: ['ClientHello', 'ServerHello'],
  early_data: ['ClientHello', 'EncryptedExtensions', 'NewSessionTicket'],
  supported_versions: ['ClientHello', 'ServerHello', 'HelloRetryRequest'],
  cookie: ['ClientHello', 'HelloRetryRequest'],
  psk_key_exchange_modes: ['ClientHello'],
  certificate_authorities: ['ClientHello', 'CertificateRequest'],
  oid_filters: ['CertificateRequest'],
  post_handshake_auth: ['ClientHello'],
  signature_algorithms_cert: ['ClientHello', 'CertificateRequest'],
  key_share: ['ClientHello', 'ServerHello', 'HelloRetryRequest'],
};

const placesOf: ReadonlyMap<number, readonly ExtensionPlace[]> = new Map(
  (Object.keys(places) as ExtensionName[]).map((name) => [extensionType[name], places[name]]),
);

/** Whether an extension may stand in a message; one that is not known here may stand anywhere. */
export const mayStandIn = (type: number, place: ExtensionPlace): boolean => placesOf.get(type)?.includes(place) ?? true;
