// What all variants share. Every TLS 1.3 variant that can choose speaks X25519 and TLS_AES_128_GCM_SHA256.
export const serverName = 'localhost';
export const host = '127.0.0.1';
export const suite = 'TLS_AES_128_GCM_SHA256';
