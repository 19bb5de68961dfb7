import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { namespaces } from '../../src/api/core/namespace.ts'
import { nodes } from '../../src/api/core/node/node.ts'
import { pods } from '../../src/api/core/pod/pod.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { deployments } from '../../src/api/apps/deployment.ts'
import { KUBECTL_VERSIONS, type KubectlVersion, kubectlPath } from '../../src/testing/kubectl.ts'
import { type Output, type Run, type ServedCluster, serveCluster } from './server.ts'

type Kubectl = (args: string, run?: Run) => Promise<Output>

interface Session {
  cluster: ServedCluster
  version: KubectlVersion
  /** Fails the test when kubectl does. Words are parted by spaces; a part in single quotes is one word. */
  ok(args: string, run?: Run): Promise<string>
  fails(args: string, run?: Run): Promise<string>
}

const configMap = (name: string, data: Record<string, string>): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

const TOPICS: Readonly<Record<string, (session: Session) => Promise<void>>> = {
  async 'learns what is served'({ ok, cluster, version }) {
    assert.match(await ok('version'), /Server Version:.*v1\.36\./s)
    const resources = await ok('api-resources --sort-by=name')
    assert.match(resources, /^pods +po +v1 +true +Pod$/m)
    assert.match(resources, /^deployments +deploy +apps\/v1 +true +Deployment$/m)
    assert.match(await ok('api-resources --verbs=list,watch --namespaced=false -o name'), /^nodes$/m)
    assert.match(await ok('api-versions'), /^rbac\.authorization\.k8s\.io\/v1$/m)
    assert.match(await ok('cluster-info'), new RegExp(`is running at .*${cluster.url}`))
    assert.equal((await ok('get --raw /readyz')).trim(), 'ok')
    assert.match(await ok('explain pod.spec.containers.image'), /image <string>/)
    assert.match(await ok('explain deployment.spec --recursive'), /maxUnavailable/)
    if (version === '1.35') assert.match(await ok('auth whoami'), /kubernetes-admin/)
  },

  async 'keeps contexts of its own'({ ok }) {
    await ok('config set-context other --cluster=drover --user=admin --namespace=kube-system')
    await ok('config use-context other')
    assert.match(await ok('config get-contexts'), /^\* +other +drover +admin +kube-system$/m)
    assert.equal((await ok('config view --minify -o jsonpath={..namespace}')).trim(), 'kube-system')
    await ok('config use-context drover')
    await ok('config delete-context other')
  },

  async 'creates by typed clients'({ ok, fails }) {
    assert.equal(await ok('create configmap cm --from-literal=a=b'), 'configmap/cm created\n')
    assert.equal(await ok('create secret generic s --from-literal=a=b'), 'secret/s created\n')
    assert.equal(await ok('create serviceaccount sa'), 'serviceaccount/sa created\n')
    assert.match(await ok('create role r --verb=get,list --resource=pods'), /r created/)
    assert.match(await ok('create rolebinding rb --role=r --serviceaccount=default:sa'), /rb created/)
    assert.match(await ok('create clusterrole cr --verb=get --resource=nodes'), /cr created/)
    assert.match(await ok('create clusterrolebinding crb --clusterrole=cr --user=bob'), /crb created/)
    assert.match(await ok('create service clusterip cs --tcp=80:8080'), /service\/cs created/)
    assert.equal(await ok('get cm cm -o jsonpath={.data.a}'), 'b')
    assert.equal(await ok('get secret s -o jsonpath={.data.a}'), 'Yg==')
    assert.equal(await ok('get secret s -o jsonpath={.type}'), 'Opaque')
    assert.match(await ok('get role,rolebinding'), /^rolebinding\S+\/rb +Role\/r +\S+$/m)
    assert.match(await fails('create configmap cm'), /configmaps "cm" already exists/)
  },

  async 'may what roles allow'({ ok, fails, version }) {
    assert.equal(await ok('auth can-i create pods'), 'yes\n')
    assert.equal(await ok('auth can-i get nodes --as=bob'), 'yes\n')
    await fails('auth can-i delete nodes --as=bob')
    assert.match(
      await fails('get pods --as=bob'),
      /Error from server \(Forbidden\): pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"/,
    )
    assert.match(
      await ok('auth can-i --list --as=system:serviceaccount:default:sa'),
      /^pods +\[\] +\[\] +\[get list\]$/m,
    )
    if (version === '1.20') return
    const token = (await ok('create token sa --duration=1h')).trim()
    const asAccount = `get pods --token=${token} --kubeconfig=token-config`
    assert.match(await ok(asAccount), /^$/)
    assert.match(
      await fails(`get nodes --token=${token} --kubeconfig=token-config`),
      /"system:serviceaccount:default:sa" cannot list/,
    )
  },

  async 'applies, compares and replaces'({ ok, fails, cluster }) {
    cluster.file('a.json', configMap('a', { one: '1' }))
    cluster.file('a2.json', configMap('a', { two: '2' }))
    assert.equal(await ok('apply -f a.json'), 'configmap/a created\n')
    assert.equal(await ok('apply -f a.json'), 'configmap/a unchanged\n')
    assert.match(await fails('diff -f a2.json'), /\+ {2}two: "2"/)
    assert.match(await ok('apply -f a2.json --dry-run=server'), /^configmap\/a configured \(server dry run\)\n$/)
    assert.equal(await ok('get cm a -o jsonpath={.data.one}'), '1')
    assert.equal(await ok('apply -f a2.json'), 'configmap/a configured\n')
    assert.deepEqual(JSON.parse(await ok('get cm a -o jsonpath={.data}')), { two: '2' })
    assert.equal(await ok('replace -f a.json'), 'configmap/a replaced\n')
    assert.match(await ok('replace --force -f a.json'), /^configmap\/a replaced$/m)
    assert.match(await ok('delete -f a.json'), /^configmap "a" deleted/)
  },

  async 'applies on the server'({ ok, fails, cluster }) {
    cluster.file('ssa.json', configMap('ssa', { one: '1' }))
    cluster.file('ssa2.json', configMap('ssa', { one: '2' }))
    assert.equal(await ok('apply --server-side -f ssa.json'), 'configmap/ssa serverside-applied\n')
    assert.match(
      await fails('apply --server-side --field-manager=other -f ssa2.json'),
      /Apply failed with 1 conflict: conflict with "kubectl": \.data\.one/,
    )
    await ok('apply --server-side --field-manager=other --force-conflicts -f ssa2.json')
    assert.equal(await ok('get cm ssa -o jsonpath={.data.one}'), '2')
    assert.match(await ok('delete cm ssa --grace-period=0 --force'), /configmap "ssa" force deleted/)
  },

  async 'edits, patches, labels and annotates'({ ok, fails }) {
    await ok('create configmap e --from-literal=word=before')
    assert.equal(await ok('edit cm e', { env: { KUBE_EDITOR: 'sed -i s/before/after/' } }), 'configmap/e edited\n')
    assert.equal(await ok('get cm e -o jsonpath={.data.word}'), 'after')
    await ok(`patch cm e -p '{"data":{"s":"1"}}'`)
    await ok(`patch cm e --type=merge -p '{"data":{"s":null,"m":"1"}}'`)
    await ok(`patch cm e --type=json -p '[{"op":"add","path":"/data/j","value":"1"}]'`)
    assert.deepEqual(JSON.parse(await ok('get cm e -o jsonpath={.data}')), { word: 'after', m: '1', j: '1' })
    assert.match(await ok(`patch cm e -p '{"data":{"m":"1"}}'`), /patched \(no change\)/)
    assert.equal(await ok('label cm e l=1'), 'configmap/e labeled\n')
    assert.match(await fails('label cm e l=2'), /--overwrite is false/)
    await ok('label cm e l=2 --overwrite')
    await ok('annotate cm e note=x')
    assert.equal(await ok('get cm e -o jsonpath={.metadata.labels.l}{.metadata.annotations.note}'), '2x')
    await ok('label cm e l-')
    assert.match(await ok('get cm e --show-labels'), /<none>$/m)
  },

  async 'runs, shows and describes pods'({ ok, fails }) {
    assert.equal(await ok('run p --image=nginx --labels=app=p --port=80'), 'pod/p created\n')
    assert.match(await ok('get pods'), /^NAME +READY +STATUS +RESTARTS +AGE\np +0\/1 +Pending +0 +\S+\n$/)
    assert.match(
      await ok('get pods -o wide'),
      /IP +NODE +NOMINATED NODE +READINESS GATES\n.*<none> +<none> +<none> +<none>$/m,
    )
    assert.equal(await ok('get pods -o name'), 'pod/p\n')
    assert.equal(parseYaml(await ok('get pod p -o yaml')).spec.containers[0].image, 'nginx')
    assert.equal(JSON.parse(await ok('get pods -l app=p -o json')).items.length, 1)
    assert.match(await ok('get pods -A'), /^default +p /m)
    assert.match(await ok('get pods --field-selector=status.phase=Pending -o name'), /pod\/p/)
    assert.equal(await ok('get pods --field-selector=status.phase=Running'), '')
    assert.match(await ok('get pods -o custom-columns=N:.metadata.name,I:.spec.containers[*].image'), /^p +nginx$/m)
    assert.match(await ok('describe pod p'), /^Service Account: +default$|^Node: +<none>$/m)
    assert.equal(await ok('expose pod p --port=80 --name=p-svc'), 'service/p-svc exposed\n')
    assert.match(await ok('describe svc p-svc'), /^Selector: +app=p$/m)
    assert.match(await fails('get pod nosuch'), /^Error from server \(NotFound\): pods "nosuch" not found$/m)
    assert.match(await fails('get nosuch'), /the server doesn't have a resource type "nosuch"/)
  },

  async 'waits for a condition, and for the end'({ ok, cluster }) {
    const waiting = ok('wait --for=condition=Ready pod/p --timeout=30s')
    const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
    const key = { namespace: 'default', name: 'p' }
    await cluster.client.patch(pods, key, { type: 'merge', body: ready }, { subresource: 'status' })
    assert.equal(await waiting, 'pod/p condition met\n')
    assert.match(await ok('get pod p'), /Running/)
    const watchers = (): number => cluster.api.registry.get('', 'v1', 'pods')?.cache.watcherCount ?? 0
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
    while (watchers() > 0) await turn()
    let over = false
    const gone = ok('wait --for=delete pod/p --timeout=30s').finally(() => {
      over = true
    })
    // It must have found the pod and be watching before the pod goes: kubectl 1.20 fails on one that is not there.
    while (!over && watchers() === 0) await turn()
    assert.match(await ok('delete pod p --now'), /^pod "p" deleted/)
    await gone
  },

  async 'scales and rolls out'({ ok, cluster }) {
    assert.equal(await ok('create deployment d --image=nginx --replicas=2'), 'deployment.apps/d created\n')
    assert.equal(await ok('scale deployment/d --replicas=3'), 'deployment.apps/d scaled\n')
    assert.equal(await ok('get deploy d -o jsonpath={.spec.replicas}'), '3')
    await ok('set image deployment/d nginx=nginx:2')
    await ok('rollout restart deployment/d')
    const key = { namespace: 'default', name: 'd' }
    const { generation } = (await cluster.client.get(deployments, key)).metadata
    const counts = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 }
    const body = { status: { observedGeneration: generation, ...counts } }
    await cluster.client.patch(deployments, key, { type: 'merge', body }, { subresource: 'status' })
    assert.match(await ok('rollout status deployment/d --timeout=30s'), /"d" successfully rolled out/)
    assert.match(await ok('get deploy d'), /^d +3\/3 +3 +3 /m)
    assert.match(await ok('describe deploy d'), /3 desired \| 3 updated \| 3 total \| 3 available/)
    assert.match(await ok('get all'), /deployment\.apps\/d/)
    assert.match(await ok('delete deploy,svc -l app=d'), /^deployment\.apps "d" deleted/m)
  },

  async 'shows events, nodes and namespaces'({ ok, cluster, version }) {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e.1', namespace: 'default' },
      involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Started',
      message: 'Started container',
      type: 'Normal',
      lastTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    }
    cluster.file('event.json', JSON.stringify(event))
    await ok('create -f event.json')
    assert.match(
      await ok('get events'),
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.* +Normal +Started +pod\/p +Started container/,
    )
    if (version === '1.35') assert.match(await ok('events --for pod/p'), /Normal +Started +Pod\/p +Started container/)
    await cluster.client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: `n-${version}` } })
    assert.match(await ok('describe node'), new RegExp(`^Name: +n-${version}$`, 'm'))
    await ok(`cordon n-${version}`)
    assert.match(await ok('get nodes'), /SchedulingDisabled/)
    await ok(`taint node n-${version} k=v:NoSchedule`)
    assert.match(await ok('get nodes -o jsonpath={.items[*].spec.taints[*].key}'), /k/)
    await ok(`delete node n-${version}`)
    assert.match(await ok('describe ns default'), /^Status: +Active$/m)
  },

  async 'deletes by name, label, file and all'({ ok }) {
    await ok('create configmap d1')
    await ok('create configmap d2')
    await ok('label cm d1 d2 del=yes')
    assert.match(await ok('delete cm -l del=yes'), /configmap "d1" deleted.*\nconfigmap "d2" deleted/)
    await ok('create configmap d3')
    assert.equal(await ok('delete cm d3 --wait=false -o name'), 'configmap/d3\n')
    await ok('delete cm,secret,svc,rolebinding,role --all')
    await ok('delete clusterrolebinding crb')
    await ok('delete clusterrole cr')
    await ok('delete sa sa')
  },

  async 'ends a namespace once it is finalized'({ ok, cluster }) {
    assert.equal(await ok('create namespace going'), 'namespace/going created\n')
    assert.match(await ok('delete ns going --wait=false'), /^namespace "going" deleted/)
    assert.match(await ok('get ns going'), /Terminating/)
    const going = await cluster.client.get(namespaces, { name: 'going' })
    await cluster.client.update(namespaces, { ...going, spec: {} }, { subresource: 'finalize' })
    assert.doesNotMatch(await ok('get ns'), /going/)
  },
}

for (const version of KUBECTL_VERSIONS) {
  describe(`kubectl ${version}`, () => {
    let session: Session | undefined
    let cluster: ServedCluster | undefined
    before(async () => {
      cluster = await serveCluster()
      session = await openSession(cluster, version)
    })
    after(() => cluster?.[Symbol.asyncDispose]())
    for (const [name, topic] of Object.entries(TOPICS)) {
      test(name, async () => {
        if (!session) throw new Error('The server is not started')
        await topic(session)
      })
    }

    test('watches: get -w prints rows as objects change', async () => {
      if (!cluster) throw new Error('The server is not started')
      await watchesRows(cluster, version)
    })
  })
}

async function openSession(cluster: ServedCluster, version: KubectlVersion): Promise<Session> {
  const call = await cluster.kubectl(version)
  const kubectl: Kubectl = (args, run) => call(wordsOf(args), run)
  cluster.file('token-config', JSON.stringify(tokenConfig(cluster)))
  return {
    cluster,
    version,
    async ok(args, run) {
      const { code, stdout, stderr } = await kubectl(args, run)
      assert.equal(code, 0, `kubectl ${args}: ${stderr}${stdout}`)
      return stdout
    },
    async fails(args, run) {
      const { code, stdout, stderr } = await kubectl(args, run)
      assert.notEqual(code, 0, `kubectl ${args}: ${stdout}`)
      return stderr + stdout
    },
  }
}

/** A configuration without a certificate, for calls that carry a token. */
function tokenConfig({ url, ca }: ServedCluster): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: '' } }],
    clusters: [
      { name: 'c', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
  }
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
}

async function watchesRows({ client, kubeconfig, directory }: ServedCluster, version: KubectlVersion): Promise<void> {
  await client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'watched', namespace: 'default' },
  })
  const child = spawn(await kubectlPath(version), ['get', 'serviceaccounts', '-w', '-o', 'name'], {
    env: { HOME: directory, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = new Promise((resolve) => child.on('close', resolve))
  try {
    let seen = ''
    // Rows of other objects, and halves of lines, come between: each step is taken once.
    let steps = 0
    const key = { namespace: 'default', name: 'watched' }
    for await (const text of child.stdout.setEncoding('utf8')) {
      seen += text
      const times = seen.split('serviceaccount/watched\n').length - 1
      if (times <= steps) continue
      steps = times
      if (times === 1)
        await client.patch(serviceAccounts, key, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
      if (times === 2) await client.delete(serviceAccounts, key)
      if (times >= 3) break
    }
    assert.match(seen, /serviceaccount\/default\n/)
  } finally {
    child.kill()
    await closed
  }
}
