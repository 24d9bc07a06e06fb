// Clients' side and servers' side of each protocol; these end in TLS or in an error.
export { type SmtpStartTlsOptions, smtpStartTls } from './smtp-start-tls.ts';
export { type SmtpStartTlsServerOptions, smtpStartTlsServer } from './smtp-start-tls-server.ts';
export { imapStartTls } from './imap-start-tls.ts';
export { imapStartTlsServer } from './imap-start-tls-server.ts';
export { pop3StartTls } from './pop3-start-tls.ts';
export { pop3StartTlsServer } from './pop3-start-tls-server.ts';
export { type XmppStartTlsOptions, xmppStartTls } from './xmpp-start-tls.ts';
export { type XmppStartTlsServerOptions, xmppStartTlsServer } from './xmpp-start-tls-server.ts';
export { ldapStartTls } from './ldap-start-tls.ts';
export { ldapStartTlsServer } from './ldap-start-tls-server.ts';
export { ftpAuthTls } from './ftp-auth-tls.ts';
export { ftpAuthTlsServer } from './ftp-auth-tls-server.ts';
export { postgresTls } from './postgres-tls.ts';
export { postgresTlsServer } from './postgres-tls-server.ts';
export { type MysqlTlsOptions, mysqlTls } from './mysql-tls.ts';
export { type MysqlTlsServerOptions, mysqlTlsServer } from './mysql-tls-server.ts';
// These give a transport again, with TLS on it or without.
export { type HttpConnectOptions, httpConnect } from './http-connect.ts';
export { type Socks5Options, socks5 } from './socks5.ts';
export { type ProxyEnd, type ProxyProtocolOptions, proxyProtocol } from './proxy-protocol.ts';
export { proxyProtocolServer } from './proxy-protocol-server.ts';
export type { UpgradeOptions } from './upgrade-options.ts';
