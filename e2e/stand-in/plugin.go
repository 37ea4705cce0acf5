package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
)

// pluginName is the type in Calico's conf list, and the name of its binary.
const pluginName = "calico"

// nodenameFile is written by calico-node when it starts; without it the plugin refuses to work
// (cni-plugin/pkg/plugin/plugin.go).
const nodenameFile = "/var/lib/calico/nodename"

// pluginConf is what this plugin reads of Calico's configuration.
type pluginConf struct {
	types.NetConf
	Nodename   string `json:"nodename"`
	Kubernetes struct {
		Kubeconfig string `json:"kubeconfig"`
	} `json:"kubernetes"`
}

// podArgs is what the runtime says about the pod in CNI_ARGS.
type podArgs struct {
	types.CommonArgs
	K8S_POD_NAME      types.UnmarshallableString //nolint:revive // the runtime's own names
	K8S_POD_NAMESPACE types.UnmarshallableString //nolint:revive
}

func runPlugin() {
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add:   add,
		Del:   del,
		Check: func(*skel.CmdArgs) error { return nil },
	}, version.PluginSupports("0.3.0", "0.3.1", "0.4.0", "1.0.0"), "stand-in for Calico's CNI plugin")
}

// add gives a pod its network: everything up to the network itself goes as in Calico, in the same order and with the same
// words; the network is made by the standard bridge plugin.
func add(args *skel.CmdArgs) error {
	conf, store, err := open(args)
	if err != nil {
		return err
	}
	pod, err := podOf(args)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := store.podExists(ctx, pod); err != nil {
		return err
	}
	result, err := delegateAdd(ctx, conf, store)
	if err != nil {
		return err
	}
	address, err := firstAddress(result)
	if err != nil {
		return err
	}
	if err := store.annotate(ctx, pod, args.ContainerID, address.String()+"/32"); err != nil {
		return err
	}
	return types.PrintResult(result, conf.CNIVersion)
}

// del takes the network away again. A token that the API server rejects fails it just as it fails add: that is what
// leaves pods Terminating.
func del(args *skel.CmdArgs) error {
	conf, store, err := open(args)
	if err != nil {
		return err
	}
	pod, err := podOf(args)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := store.annotate(ctx, pod, args.ContainerID, ""); err != nil && !isGone(err) {
		return err
	}
	return delegateDel(ctx, conf, store)
}

// open does what Calico does before it looks at the pod: the nodename file, the client, the ClusterInformation.
func open(args *skel.CmdArgs) (*pluginConf, *datastore, error) {
	conf := &pluginConf{}
	if err := json.Unmarshal(args.StdinData, conf); err != nil {
		return nil, nil, fmt.Errorf("failed to load netconf: %v", err)
	}
	if _, err := os.Stat(nodenameFile); err != nil {
		return nil, nil, fmt.Errorf(
			"%s: check that the calico/node container is running and has mounted /var/lib/calico/", err)
	}
	store, err := openDatastore(conf.Kubernetes.Kubeconfig)
	if err != nil {
		return nil, nil, fmt.Errorf("error creating calico client: %v", err)
	}
	if err := store.ready(context.Background()); err != nil {
		return nil, nil, err
	}
	return conf, store, nil
}

type podName struct{ namespace, name string }

func podOf(args *skel.CmdArgs) (podName, error) {
	pod := podArgs{CommonArgs: types.CommonArgs{IgnoreUnknown: true}}
	if err := types.LoadArgs(args.Args, &pod); err != nil {
		return podName{}, err
	}
	return podName{namespace: string(pod.K8S_POD_NAMESPACE), name: string(pod.K8S_POD_NAME)}, nil
}

func firstAddress(result types.Result) (net.IP, error) {
	converted, err := current.NewResultFromResult(result)
	if err != nil {
		return nil, err
	}
	if len(converted.IPs) == 0 {
		return nil, fmt.Errorf("failed to request IPv4 addresses: the delegate assigned none")
	}
	return converted.IPs[0].Address.IP, nil
}
