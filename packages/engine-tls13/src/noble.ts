export type { CryptoProvider } from './crypto/crypto-provider.ts';
