// Certificates for one test, made with the openssl command: nothing secret is kept, nothing expires.

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { tempDir } from './scope.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** An authority of its own, and what it signs: objects of file names { cert, key }. */
export class Authority {
  static create(t, name = 'Tapecast tests') {
    const authority = new Authority();
    authority.dir = tempDir(t);
    authority.cert = authority.file('ca.pem');
    authority.key = authority.file('ca.key');
    openssl('req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`,
      '-keyout', authority.key, '-out', authority.cert);
    return authority;
  }

  file(name) {
    return path.join(this.dir, name);
  }

  get pem() {
    return readFileSync(this.cert);
  }

  /** A certificate for `name`; a server's is good for localhost and 127.0.0.1 too. `days` < 0: expired. */
  sign(name, { days = 2, client = false } = {}) {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((kind) => this.file(`${name}.${kind}`));
    writeFileSync(extensions, client
      ? 'extendedKeyUsage=clientAuth\n'
      : `subjectAltName=DNS:${name},DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n`);
    openssl('req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    openssl('x509', '-req', '-in', request, '-CA', this.cert, '-CAkey', this.key, '-CAcreateserial',
      '-days', String(days), '-extfile', extensions, '-out', cert);
    chmodSync(key, 0o600);
    return { cert, key };
  }
}
