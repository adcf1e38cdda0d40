const c=()=>{const u=process.cpuUsage();return (u.user+u.system)/1000}
const t0=c()

const t1=c()
const { kinds } = await import('./api/kinds.ts')
const t2=c()
const { shapeOf } = await import('./api/shape.ts')
const k=kinds.find(k=>k.kind==='Pod')!
shapeOf(k.schema)
const t3=c()
k.schema.safeParse({metadata:{name:'a'},spec:{containers:[{name:'web',image:'nginx:1.25',ports:[{containerPort:80}],resources:{requests:{cpu:'100m'}}}]}})
const t4=c()
console.log('zod',t1-t0,'kinds',t2-t1,'shape',t3-t2,'first parse',t4-t3)
