export { x25519MLKEM768 } from './crypto/noble/x25519-mlkem768.ts';
