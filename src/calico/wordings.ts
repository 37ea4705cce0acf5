/**
 * Fixed words of Calico and client-go about requests that were refused, as sources of regular expressions. Values in
 * them take only the letters of the names that stand there.
 */

/**
 * The tail of a 401. The second one is client-go's for an answer without a Status body (`NewGenericServerResponse` in
 * apimachinery, which appends verb, resource and name): a load balancer or proxy may have sent it.
 */
export const UNAUTHORIZED =
  '(?:Unauthorized' +
  '|the server has asked for the client to provide credentials(?: \\([a-z]{1,16}(?: [A-Za-z0-9.-]{1,253}){1,2}\\))?)';

/** `cni-plugin/pkg/plugin/plugin.go`, adding and deleting alike; with Kubernetes as datastore its first request. */
export const GETTING_CLUSTER_INFORMATION = 'error getting ClusterInformation: ';

/** `cni-plugin/pkg/k8s/k8s.go` and `ipamplugin/ipam_plugin.go`, in front of client-go's or libcalico-go's error. */
export const GETTING_NAMESPACE_OR_ADDRESS =
  'error getting IP from IPAM: |failed to get namespace [A-Za-z0-9][A-Za-z0-9-]{0,62}: ';

/** `ipamplugin/ipam_plugin.go` and `libcalico-go/lib/ipam/ipam.go`, in front of libcalico-go's error. */
export const REQUESTING_ADDRESSES = 'failed to request IPv[46] addresses: |failed to look up reserved IPs: ';
