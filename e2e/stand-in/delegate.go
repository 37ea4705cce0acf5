package main

import (
	"context"
	"encoding/json"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
)

// delegate is the standard plugin that makes the network, as Calico would with its own veth pairs and routes.
const delegate = "bridge"

func delegateAdd(ctx context.Context, conf *pluginConf, store *datastore) (types.Result, error) {
	delegated, err := delegatedConf(ctx, conf, store)
	if err != nil {
		return nil, err
	}
	return invoke.DelegateAdd(ctx, delegate, delegated, nil)
}

func delegateDel(ctx context.Context, conf *pluginConf, store *datastore) error {
	delegated, err := delegatedConf(ctx, conf, store)
	if err != nil {
		return err
	}
	return invoke.DelegateDel(ctx, delegate, delegated, nil)
}

func delegatedConf(ctx context.Context, conf *pluginConf, store *datastore) ([]byte, error) {
	cidr, err := store.podCIDR(ctx, conf.Nodename)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"cniVersion": conf.CNIVersion,
		"name":       conf.Name,
		"type":       delegate,
		"bridge":     "cali0",
		"isGateway":  true,
		"ipam": map[string]any{
			"type":   "host-local",
			"ranges": []any{[]any{map[string]any{"subnet": cidr}}},
			"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
		},
	})
}
