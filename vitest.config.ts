import { defineConfig } from 'vitest/config'

/**
 * `unit` beside the code, `scenario` on in-process clusters, `peer` with clients of others, `docker` on a real engine, `hosts` on
 * several of them in network namespaces, `conformance` for what Kubernetes promises of pods and volumes, on real containers.
 */
export default defineConfig({
  test: {
    isolate: false,
    pool: 'forks',
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{lib,api,streaming,storage,apiserver,client,scheduler,controllers,kubelet,kubectl,cmd}/**/*.test.ts'],
          // Kills processes for half a minute.
          exclude: ['**/crash.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts', '**/crash.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'peer',
          include: ['test/peer/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          maxWorkers: 2,
          maxConcurrency: 8,
        },
      },
      {
        extends: true,
        test: {
          name: 'hosts',
          include: ['test/hosts/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'docker',
          include: ['test/docker/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
