package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	hostBinaries = "/host/opt/cni/bin"
	hostConf     = "/host/etc/cni/net.d"
	// tokenSeconds is Calico's (node/pkg/cni/token_watch.go: defaultCNITokenValiditySeconds).
	tokenSeconds   = 24 * 60 * 60
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
)

var serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// installCNI does what Calico's init container does (cni-plugin/pkg/install/install.go): it copies the plugin, mints a
// token for the plugin's own account, and writes kubeconfig and conf list to the host. Any failure is fatal.
func installCNI() error {
	if err := copyExecutable("/proc/self/exe", filepath.Join(hostBinaries, pluginName)); err != nil {
		return fmt.Errorf("Unable to copy the CNI binary error=%v", err) //nolint:staticcheck // Calico's manner
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	token, err := mintToken(config)
	if err != nil {
		return fmt.Errorf("Unable to create token for CNI kubeconfig error=%v", err) //nolint:staticcheck // Calico's text
	}
	kubeconfig := kubeconfigText(config, token)
	if err := os.WriteFile(filepath.Join(hostConf, "calico-kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
		return err
	}
	conf := strings.NewReplacer(
		"__KUBERNETES_NODE_NAME__", os.Getenv("KUBERNETES_NODE_NAME"),
		"__KUBECONFIG_FILEPATH__", filepath.Join(os.Getenv("CNI_NET_DIR"), "calico-kubeconfig"),
	).Replace(os.Getenv("CNI_NETWORK_CONFIG"))
	if err := os.WriteFile(filepath.Join(hostConf, os.Getenv("CNI_CONF_NAME")), []byte(conf), 0o644); err != nil {
		return err
	}
	fmt.Println("Done configuring CNI.  Sleep= false")
	return nil
}

// mintToken asks for a token that is bound to no object, so that it outlives the pod that asked.
func mintToken(config *rest.Config) (string, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return "", err
	}
	namespace, err := os.ReadFile(filepath.Join(serviceAccount, "namespace"))
	if err != nil {
		return "", err
	}
	name := os.Getenv("CALICO_CNI_SERVICE_ACCOUNT")
	if name == "" {
		name = "calico-cni-plugin"
	}
	request := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "authentication.k8s.io/v1",
		"kind":       "TokenRequest",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"expirationSeconds": int64(tokenSeconds)},
	}}
	answer, err := client.Resource(serviceAccounts).Namespace(string(namespace)).
		Create(context.Background(), request, meta.CreateOptions{}, "token")
	if err != nil {
		return "", err
	}
	token, _, err := unstructured.NestedString(answer.Object, "status", "token")
	return token, err
}

func kubeconfigText(config *rest.Config, token string) string {
	ca, _ := os.ReadFile(filepath.Join(serviceAccount, "ca.crt"))
	return fmt.Sprintf(`# Kubeconfig file for Calico CNI plugin. Installed by a stand-in.
apiVersion: v1
kind: Config
clusters:
- name: local
  cluster:
    server: %s
    certificate-authority-data: "%s"
users:
- name: calico
  user:
    token: %s
contexts:
- name: calico-context
  context:
    cluster: local
    user: calico
current-context: calico-context
`, config.Host, base64.StdEncoding.EncodeToString(ca), token)
}

// copyExecutable replaces the file in one step: the old one may be running.
func copyExecutable(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	temporary := to + ".new"
	target, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		target.Close()
		return err
	}
	if err := target.Close(); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}
