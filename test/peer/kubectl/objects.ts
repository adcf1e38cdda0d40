/** A pod that sleeps, and ends at once when told to. */
export const pod = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 0, containers: [sleeper], ...more },
})

/** Says a line, then serves its host name on port 8080. */
export const server = {
  name: 'main',
  image: 'busybox:1.36',
  command: [
    'sh',
    '-c',
    'echo started; mkdir -p /www; echo "hello from $HOSTNAME" >/www/index.html; exec httpd -f -p 8080 -h /www',
  ],
  ports: [{ containerPort: 8080, name: 'http' }],
}

export const sleeper = { name: 'main', image: 'busybox:1.36', command: ['sh', '-c', 'echo started; exec sleep 100000'] }

export const deployment = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 0, containers: [sleeper] },
    },
  },
})
