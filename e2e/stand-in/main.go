// Command stand-in is every program that the test cluster needs and cannot have: Calico's CNI plugin, its installer, the
// container calico-node, the pause image, and the programs that the pods of the scenarios run. One static binary, chosen
// by its name (the CNI runtime starts "calico") or by its first argument.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// modes are the first arguments that are understood.
var modes = map[string]func(arguments []string) error{
	"pause":       pause,
	"serve":       serve,
	"crash":       crash,
	"wait":        wait,
	"hoard":       hoard,
	"registry":    emptyRegistry,
	"install-cni": func([]string) error { return installCNI() },
	"calico-node": func([]string) error { return calicoNode() },
}

func main() {
	if filepath.Base(os.Args[0]) == pluginName {
		runPlugin()
		return
	}
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: %s pause|serve|crash|wait|hoard|registry|install-cni|calico-node\n", os.Args[0])
		os.Exit(64)
	}
	if err := modes[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
