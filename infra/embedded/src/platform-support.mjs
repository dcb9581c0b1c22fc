/**
 * Which parts of the embedded stack have a server for a platform: the platforms of the pinned wheels. Plain JavaScript
 * without dependencies, because the bootstrap asks before anything is installed.
 */

/**
 * @typedef {{ platform: string, arch: string, glibc: string | undefined }} Host glibc is undefined where there is none (musl, macOS)
 * @typedef {{ part: 'queue' | 'store', setting: string, why: string }} MissingServer
 */

/** The wheels that need it are built for glibc 2.28; the real Milvus for 2.17. */
const NEEDED_GLIBC = [2, 28];

/** @returns {Host} */
export function thisHost() {
  /** @type {any} */
  const report = process.platform === 'linux' ? process.report.getReport() : undefined;
  return { platform: process.platform, arch: process.arch, glibc: report?.header?.glibcVersionRuntime };
}

/**
 * @param {Host} [host]
 * @returns {MissingServer[]} empty where everything runs
 */
export function missingServers(host = thisHost()) {
  const reason = whyNot(host);
  if (reason === undefined) return [];
  return [
    { part: 'queue', setting: 'SLUICE_REDIS_URL', why: `The embedded queue (Valkey) has no server for ${reason}` },
    { part: 'store', setting: 'SLUICE_MILVUS_ADDRESS', why: `The embedded store (Milvus) has no server for ${reason}` },
  ];
}

/** @param {Host} host */
function whyNot({ platform, arch, glibc }) {
  const known = arch === 'x64' || arch === 'arm64';
  if (platform === 'darwin') return known ? undefined : `macOS on ${arch}`;
  if (platform === 'win32') return 'Windows';
  if (platform !== 'linux' || !known) return `${platform} on ${arch}`;
  if (glibc === undefined) return 'Linux without glibc (musl, as in Alpine)';
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = NEEDED_GLIBC;
  const old = major < neededMajor || (major === neededMajor && minor < neededMinor);
  return old ? `glibc ${glibc} (it needs ${NEEDED_GLIBC.join('.')})` : undefined;
}
