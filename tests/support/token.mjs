// JSON Web Tokens as an issuer makes them, by Node's own cryptography.

import crypto from 'node:crypto';

const encode = (value) => Buffer.from(value).toString('base64url');

const SIGN = {
  HS256: (key, text) => crypto.createHmac('sha256', key).update(text).digest(),
  RS256: (key, text) => crypto.sign('sha256', Buffer.from(text), key),
  ES256: (key, text) => crypto.sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }),
  none: () => Buffer.alloc(0),
};

/** A token; `alg` goes with `key`: a secret's text, or a private key. */
export function signToken(claims, key, { alg = 'HS256', kid } = {}) {
  const text = `${encode(JSON.stringify({ typ: 'JWT', alg, kid }))}.${encode(JSON.stringify(claims))}`;
  return `${text}.${encode(SIGN[alg](key, text))}`;
}

/** A key pair of an issuer: `sign(claims)`, and `jwk`, the public part as a member of a key set. */
export class Issuer {
  constructor(kid, alg = 'ES256') {
    const make = { ES256: ['ec', { namedCurve: 'P-256' }], RS256: ['rsa', { modulusLength: 2048 }] }[alg];
    const { publicKey, privateKey } = crypto.generateKeyPairSync(...make);
    this.kid = kid;
    this.alg = alg;
    this.privateKey = privateKey;
    this.pem = publicKey.export({ type: 'spki', format: 'pem' });
    this.jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  }

  sign(claims) {
    return signToken(claims, this.privateKey, this);
  }
}

export const nowSeconds = () => Math.floor(Date.now() / 1000);
