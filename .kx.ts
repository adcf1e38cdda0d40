import { Pod } from './api/core/pod.ts'
import { Deployment } from './api/apps/deployment.ts'
import { decode } from './api/decode.ts'
const body = { apiVersion:'v1', kind:'Pod', metadata:{name:'web-1',namespace:'default',labels:{app:'web','pod-template-hash':'abc'},annotations:{'a/b':'c'},ownerReferences:[{apiVersion:'apps/v1',kind:'ReplicaSet',name:'web',uid:'6c4b1f70-0000-4000-8000-000000000000',controller:true,blockOwnerDeletion:true}]},
 spec:{containers:[{name:'web',image:'nginx:1.25',ports:[{containerPort:80,protocol:'TCP',name:'http'}],env:[{name:'A',value:'b'},{name:'P',valueFrom:{fieldRef:{fieldPath:'metadata.name'}}}],resources:{requests:{cpu:'100m',memory:'128Mi'},limits:{cpu:'500m',memory:'256Mi'}},readinessProbe:{httpGet:{path:'/',port:80,scheme:'HTTP'},periodSeconds:5,timeoutSeconds:1,successThreshold:1,failureThreshold:3},volumeMounts:[{name:'data',mountPath:'/data'}],terminationMessagePath:'/dev/termination-log',terminationMessagePolicy:'File',imagePullPolicy:'IfNotPresent'}],
 restartPolicy:'Always',terminationGracePeriodSeconds:30,dnsPolicy:'ClusterFirst',serviceAccountName:'default',securityContext:{},schedulerName:'default-scheduler',tolerations:[{key:'node.kubernetes.io/not-ready',operator:'Exists',effect:'NoExecute',tolerationSeconds:300},{key:'node.kubernetes.io/unreachable',operator:'Exists',effect:'NoExecute',tolerationSeconds:300}],priority:0,enableServiceLinks:true,preemptionPolicy:'PreemptLowerPriority',volumes:[{name:'data',emptyDir:{}}]} }
console.log('bytes', JSON.stringify(body).length)
const nulled = {...body, metadata:{...body.metadata, creationTimestamp:null}, status:{}}
const bench=(name:string,f:()=>void)=>{for(let i=0;i<20000;i++)f(); const t=process.hrtime.bigint(); for(let i=0;i<50000;i++)f(); console.log(name, Number(process.hrtime.bigint()-t)/50000/1000,'us')}
let t=performance.now(); decode(Pod,body,'Strict'); console.log('first', performance.now()-t)
bench('fast',()=>decode(Pod,body,'Strict'))
bench('nulled',()=>decode(Pod,nulled,'Strict'))
bench('zod only',()=>Pod.schema.safeParse(body))
bench('structuredClone-ish JSON',()=>JSON.parse(JSON.stringify(body)))
console.log(JSON.stringify(decode(Pod,nulled,'Strict').object))
for (const v of [{spec:{replicas:'3'}},{spec:{template:{spec:{containers:[{name:1}]}}}},{spec:{template:{spec:{containers:{}}}}},[],{spec:{replicas:1.5}},{spec:{template:{spec:{containers:[{resources:{limits:{cpu:'1x'}}}]}}}},{metadata:{creationTimestamp:'yesterday'}},{spec:{strategy:{rollingUpdate:{maxSurge:true}}}},{metadata:{labels:{a:1}}},{spec:{template:{spec:{containers:[{tty:'x'}]}}}},{spec:{foo:1,template:{spec:{containers:[{imagee:'x'}]}}}}]) try{ console.log(JSON.stringify(decode(Deployment,v,'Strict').object)) }catch(e:any){console.log(e.message)}
