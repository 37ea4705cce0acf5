package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	kerrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

var (
	clusterInformations = schema.GroupVersionResource{
		Group: "crd.projectcalico.org", Version: "v1", Resource: "clusterinformations",
	}
	nodes = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	pods  = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// datastore is the API server as the plugin sees it, with the token of the node's kubeconfig.
type datastore struct{ client dynamic.Interface }

func openDatastore(kubeconfig string) (*datastore, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &datastore{client: client}, nil
}

// ready asks for the ClusterInformation, Calico's first request with the node's token, and fails in Calico's words.
func (d *datastore) ready(ctx context.Context) error {
	information, err := d.client.Resource(clusterInformations).Get(ctx, "default", meta.GetOptions{})
	if err != nil {
		return fmt.Errorf("error getting ClusterInformation: %v", inCalicosWords(err))
	}
	if ready, _, _ := unstructured.NestedBool(information.Object, "spec", "datastoreReady"); !ready {
		return errors.New("Calico is currently not ready to process requests") //nolint:staticcheck // Calico's text
	}
	return nil
}

// inCalicosWords turns an error of client-go into Calico's
// (libcalico-go/lib/backend/k8s/resources/errors.go: 401 and 403 become one type).
func inCalicosWords(err error) error {
	switch {
	case kerrors.IsUnauthorized(err), kerrors.IsForbidden(err):
		return fmt.Errorf("connection is unauthorized: %v", err)
	case kerrors.IsNotFound(err):
		return fmt.Errorf("resource does not exist: ClusterInformation(default) with error: %v", err)
	default:
		return err
	}
}

// podCIDR is the range of the node's pods: "usePodCidr" in Calico's configuration of host-local.
func (d *datastore) podCIDR(ctx context.Context, nodename string) (string, error) {
	node, err := d.client.Resource(nodes).Get(ctx, nodename, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	cidr, _, _ := unstructured.NestedString(node.Object, "spec", "podCIDR")
	if cidr == "" {
		return "", fmt.Errorf("no podCidr for node %s", nodename)
	}
	return cidr, nil
}

func (d *datastore) podExists(ctx context.Context, pod podName) error {
	_, err := d.client.Resource(pods).Namespace(pod.namespace).Get(ctx, pod.name, meta.GetOptions{})
	return err
}

// annotate leaves Calico's marks on the pod: the address while it has a network, an empty one once it was taken away.
// A pod of the same name with another container's mark is a successor and stays as it is.
func (d *datastore) annotate(ctx context.Context, pod podName, containerID, address string) error {
	if address == "" {
		there, err := d.client.Resource(pods).Namespace(pod.namespace).Get(ctx, pod.name, meta.GetOptions{})
		if err != nil {
			return err
		}
		if mark := there.GetAnnotations()["cni.projectcalico.org/containerID"]; mark != "" && mark != containerID {
			return nil
		}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		"cni.projectcalico.org/containerID": containerID,
		"cni.projectcalico.org/podIP":       address,
		"cni.projectcalico.org/podIPs":      address,
	}}})
	if err != nil {
		return err
	}
	_, err = d.client.Resource(pods).Namespace(pod.namespace).
		Patch(ctx, pod.name, types.MergePatchType, patch, meta.PatchOptions{}, "status")
	return err
}

func isGone(err error) bool { return kerrors.IsNotFound(err) || kerrors.IsConflict(err) }
