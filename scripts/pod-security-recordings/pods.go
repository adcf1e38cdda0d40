package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

type pod struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     v1.PodSpec        `json:"spec"`
}

// judged tells what each standard says of a pod: in full, and in short.
func judged(p pod, versions []string, write func(any)) {
	said := map[string][2]string{}
	for _, level := range []string{"baseline", "restricted"} {
		for _, version := range versions {
			found := policy.AggregateCheckResults(evaluator.EvaluatePod(standard(level, version), &p.Metadata, &p.Spec))
			said[level+":"+version] = [2]string{found.ForbiddenDetail(), found.ForbiddenReason()}
		}
	}
	write(map[string]any{"pod": p, "said": said})
}

// examples are the pods that the library is tested with: the newest of each, in its own version and in the latest.
func examples(write func(any)) {
	// The module cache: sources are where Go keeps them.
	root := filepath.Join(os.Getenv("GOMODCACHE"), "k8s.io/pod-security-admission@v0.34.1/test/testdata")
	byName := map[string]string{}
	check(filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") {
			parts := strings.Split(path, string(filepath.Separator))
			version := parts[len(parts)-3]
			name := strings.Join([]string{parts[len(parts)-4], parts[len(parts)-2], parts[len(parts)-1]}, "/")
			if len(version) > len(byName[name]) || (len(version) == len(byName[name]) && version > byName[name]) {
				byName[name] = version
			}
		}
		return err
	}))
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		parts := strings.Split(name, "/")
		bytes, err := os.ReadFile(filepath.Join(root, parts[0], byName[name], parts[1], parts[2]))
		check(err)
		p := pod{}
		check(yaml.Unmarshal(bytes, &p))
		judged(p, []string{"latest", byName[name]}, write)
	}
}

func randomPod(c chance, name string) pod {
	p := pod{Metadata: metav1.ObjectMeta{Name: name}}
	p.Spec.HostNetwork, p.Spec.HostPID, p.Spec.HostIPC = c.maybe(0.1), c.maybe(0.1), c.maybe(0.1)
	if c.maybe(0.1) {
		p.Spec.OS = &v1.PodOS{Name: v1.OSName(pick(c, []string{"linux", "windows"}))}
	}
	if c.maybe(0.6) {
		p.Spec.SecurityContext = podContext(c)
	}
	wide := pick(c, []float64{0.05, 0.3, 0.6})
	for i := range c.IntN(3) {
		p.Spec.InitContainers = append(p.Spec.InitContainers, container(c, fmt.Sprintf("init%d", i), wide))
	}
	for i := range 1 + c.IntN(3) {
		p.Spec.Containers = append(p.Spec.Containers, container(c, fmt.Sprintf("c%d", i), wide))
	}
	if c.maybe(0.2) {
		common := v1.EphemeralContainerCommon(container(c, "debug", wide))
		common.Ports, common.LivenessProbe, common.ReadinessProbe, common.StartupProbe, common.Lifecycle = nil, nil, nil, nil, nil
		p.Spec.EphemeralContainers = []v1.EphemeralContainer{{EphemeralContainerCommon: common}}
	}
	for i := range c.IntN(4) {
		p.Spec.Volumes = append(p.Spec.Volumes, v1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: volume(c)})
	}
	if c.maybe(0.3) {
		p.Metadata.Annotations = annotations(c, p.Spec)
	}
	return p
}

func podContext(c chance) *v1.PodSecurityContext {
	made := &v1.PodSecurityContext{
		RunAsNonRoot: flag(c, 0.4), RunAsUser: user(c), SeccompProfile: seccomp(c), AppArmorProfile: appArmor(c),
		SELinuxOptions: seLinux(c), WindowsOptions: windows(c),
	}
	names := []string{
		"kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "net.ipv4.tcp_keepalive_time", "net.ipv4.ip_local_reserved_ports",
		"kernel.msgmax", "net.core.somaxconn",
	}
	for c.maybe(0.25) {
		made.Sysctls = append(made.Sysctls, v1.Sysctl{Name: pick(c, names), Value: "1"})
	}
	return made
}

func container(c chance, name string, wide float64) v1.Container {
	made := v1.Container{Name: name, Image: "registry/" + name}
	if c.maybe(0.85) {
		made.SecurityContext = containerContext(c, wide)
	}
	for c.maybe(wide / 4) {
		made.Ports = append(made.Ports, v1.ContainerPort{ContainerPort: 80, HostPort: pick(c, []int32{0, 0, 8080, 81, 443, 10000})})
	}
	if c.maybe(wide / 4) {
		made.LivenessProbe = &v1.Probe{ProbeHandler: probe(c)}
	}
	if c.maybe(wide / 4) {
		made.ReadinessProbe = &v1.Probe{ProbeHandler: probe(c)}
	}
	if c.maybe(wide / 8) {
		made.StartupProbe = &v1.Probe{ProbeHandler: probe(c)}
	}
	if c.maybe(wide / 4) {
		handler := v1.LifecycleHandler(hook(c))
		made.Lifecycle = &v1.Lifecycle{}
		if c.maybe(0.5) {
			made.Lifecycle.PreStop = &handler
		} else {
			made.Lifecycle.PostStart = &handler
		}
	}
	return made
}

func containerContext(c chance, wide float64) *v1.SecurityContext {
	made := &v1.SecurityContext{Capabilities: capabilities(c, wide)}
	if c.maybe(0.6) {
		no := false
		made.AllowPrivilegeEscalation = &no
	} else {
		made.AllowPrivilegeEscalation = flag(c, 0.2)
	}
	if c.maybe(wide) {
		made.Privileged = flag(c, 0.5)
	}
	if c.maybe(wide) {
		made.RunAsNonRoot = flag(c, 0.8)
		made.RunAsUser = user(c)
	}
	if c.maybe(wide) {
		made.SeccompProfile = seccomp(c)
		made.AppArmorProfile = appArmor(c)
	}
	if c.maybe(wide) {
		made.SELinuxOptions = seLinux(c)
		made.WindowsOptions = windows(c)
	}
	if c.maybe(wide / 2) {
		mount := v1.ProcMountType(pick(c, []string{"Default", "Unmasked"}))
		made.ProcMount = &mount
	}
	return made
}

func flag(c chance, likely float64) *bool {
	if !c.maybe(likely) {
		return nil
	}
	value := c.maybe(0.5)
	return &value
}

func user(c chance) *int64 {
	if c.maybe(0.6) {
		return nil
	}
	value := pick(c, []int64{0, 1000})
	return &value
}

func capabilities(c chance, wide float64) *v1.Capabilities {
	if c.maybe(0.3) {
		return nil
	}
	made := &v1.Capabilities{}
	if c.maybe(0.7) {
		made.Drop = append(made.Drop, v1.Capability(pick(c, []string{"ALL", "ALL", "NET_RAW", "all", "CAP_ALL"})))
	}
	for c.maybe(wide / 2) {
		names := []string{"NET_BIND_SERVICE", "SYS_ADMIN", "CHOWN", "CAP_CHOWN", "NET_RAW", "ALL", "KILL"}
		made.Add = append(made.Add, v1.Capability(pick(c, names)))
	}
	return made
}

func seccomp(c chance) *v1.SeccompProfile {
	made := &v1.SeccompProfile{Type: v1.SeccompProfileType(pick(c, []string{"RuntimeDefault", "RuntimeDefault", "Localhost", "Unconfined"}))}
	if made.Type == "Localhost" {
		path := "profiles/x.json"
		made.LocalhostProfile = &path
	}
	if c.maybe(0.4) {
		return nil
	}
	return made
}

func appArmor(c chance) *v1.AppArmorProfile {
	if c.maybe(0.7) {
		return nil
	}
	made := &v1.AppArmorProfile{Type: v1.AppArmorProfileType(pick(c, []string{"RuntimeDefault", "Localhost", "Unconfined"}))}
	if made.Type == "Localhost" {
		name := "x"
		made.LocalhostProfile = &name
	}
	return made
}

func seLinux(c chance) *v1.SELinuxOptions {
	if c.maybe(0.7) {
		return nil
	}
	return &v1.SELinuxOptions{
		Type:  pick(c, []string{"", "container_t", "container_engine_t", "spc_t", "container_kvm_t", "other_t"}),
		User:  pick(c, []string{"", "", "system_u"}),
		Role:  pick(c, []string{"", "", "system_r"}),
		Level: pick(c, []string{"", "s0"}),
	}
}

func windows(c chance) *v1.WindowsSecurityContextOptions {
	if c.maybe(0.9) {
		return nil
	}
	return &v1.WindowsSecurityContextOptions{HostProcess: flag(c, 0.8)}
}

var hosts = []string{"", "", "127.0.0.1", "example.org", "10.0.0.1"}

func probe(c chance) v1.ProbeHandler {
	switch c.IntN(3) {
	case 0:
		return v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Port: intstr.FromInt32(80), Host: pick(c, hosts)}}
	case 1:
		return v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(80), Host: pick(c, hosts)}}
	default:
		return v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{"true"}}}
	}
}

func hook(c chance) v1.LifecycleHandler {
	made := probe(c)
	return v1.LifecycleHandler{HTTPGet: made.HTTPGet, TCPSocket: made.TCPSocket, Exec: made.Exec}
}

func annotations(c chance, spec v1.PodSpec) map[string]string {
	made := map[string]string{}
	profiles := []string{"", "runtime/default", "docker/default", "localhost/x", "unconfined", "localhost", "\"odd\"\t\u00e9"}
	if c.maybe(0.5) {
		made["seccomp.security.alpha.kubernetes.io/pod"] = pick(c, profiles)
	}
	for _, container := range spec.Containers {
		if c.maybe(0.5) {
			made["container.seccomp.security.alpha.kubernetes.io/"+container.Name] = pick(c, profiles)
		}
		if c.maybe(0.5) {
			made["container.apparmor.security.beta.kubernetes.io/"+container.Name] = pick(c, profiles)
		}
	}
	return made
}

func volume(c chance) v1.VolumeSource {
	sources := []v1.VolumeSource{
		{EmptyDir: &v1.EmptyDirVolumeSource{}},
		{ConfigMap: &v1.ConfigMapVolumeSource{}},
		{Secret: &v1.SecretVolumeSource{SecretName: "s"}},
		{Projected: &v1.ProjectedVolumeSource{}},
		{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}},
		{CSI: &v1.CSIVolumeSource{Driver: "d"}},
		{DownwardAPI: &v1.DownwardAPIVolumeSource{}},
		{Image: &v1.ImageVolumeSource{Reference: "r"}},
		{Ephemeral: &v1.EphemeralVolumeSource{}},
		{HostPath: &v1.HostPathVolumeSource{Path: "/"}},
		{HostPath: &v1.HostPathVolumeSource{Path: "/etc"}},
		{GCEPersistentDisk: &v1.GCEPersistentDiskVolumeSource{PDName: "d"}},
		{AWSElasticBlockStore: &v1.AWSElasticBlockStoreVolumeSource{VolumeID: "d"}},
		{GitRepo: &v1.GitRepoVolumeSource{Repository: "r"}},
		{NFS: &v1.NFSVolumeSource{Server: "s", Path: "/"}},
		{ISCSI: &v1.ISCSIVolumeSource{TargetPortal: "t", IQN: "q"}},
		{Glusterfs: &v1.GlusterfsVolumeSource{EndpointsName: "e", Path: "p"}},
		{RBD: &v1.RBDVolumeSource{CephMonitors: []string{"m"}, RBDImage: "i"}},
		{FlexVolume: &v1.FlexVolumeSource{Driver: "d/d"}},
		{Cinder: &v1.CinderVolumeSource{VolumeID: "v"}},
		{CephFS: &v1.CephFSVolumeSource{Monitors: []string{"m"}}},
		{Flocker: &v1.FlockerVolumeSource{DatasetName: "d"}},
		{FC: &v1.FCVolumeSource{WWIDs: []string{"w"}}},
		{AzureFile: &v1.AzureFileVolumeSource{SecretName: "s", ShareName: "n"}},
		{VsphereVolume: &v1.VsphereVirtualDiskVolumeSource{VolumePath: "v"}},
		{Quobyte: &v1.QuobyteVolumeSource{Registry: "r", Volume: "v"}},
		{AzureDisk: &v1.AzureDiskVolumeSource{DiskName: "d", DataDiskURI: "u"}},
		{PhotonPersistentDisk: &v1.PhotonPersistentDiskVolumeSource{PdID: "i"}},
		{PortworxVolume: &v1.PortworxVolumeSource{VolumeID: "v"}},
		{ScaleIO: &v1.ScaleIOVolumeSource{Gateway: "g", System: "s", SecretRef: &v1.LocalObjectReference{Name: "x"}}},
		{StorageOS: &v1.StorageOSVolumeSource{VolumeName: "v"}},
	}
	if c.maybe(0.5) {
		return sources[c.IntN(9)]
	}
	return pick(c, sources)
}
