import { httpTransport } from '../../client/http-transport.ts'
import { transportContract } from '../../test/contract/transport.contract.ts'
import { testServer as apiServer } from '../testing.ts'
import { testServer as httpServer } from './testing.ts'

transportContract('the HTTPS transport', async () => {
  const api = await apiServer()
  const http = await httpServer(api.pipeline.handle, { documents: api.pipeline.documents })
  const { ca, clients } = http.certificates
  const transport = httpTransport({
    server: `https://127.0.0.1:${http.port}`,
    ca,
    cert: clients.admin?.certificate ?? '',
    key: clients.admin?.key ?? '',
  })
  return {
    transport,
    async stop() {
      await http.stop()
      transport.close()
      await api.stop()
    },
  }
})
