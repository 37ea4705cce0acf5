package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// pause holds a pod's namespaces: it waits for the end and reaps the children that it inherits.
func pause([]string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return nil
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

// serve answers probes: /live always, everything else once it is ready.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	port := flags.Int("port", 8080, "port")
	readyAfter := flags.Duration("ready-after", 0, "time from the start until it is ready; negative: never")
	drain := flags.Duration("drain", 0, "time for which it goes on, ready, after SIGTERM")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	began := time.Now()
	go func() {
		<-ended()
		time.Sleep(*drain)
		os.Exit(0)
	}()
	return http.ListenAndServe(fmt.Sprintf(":%d", *port), http.HandlerFunc(
		func(response http.ResponseWriter, request *http.Request) {
			if request.URL.Path != "/live" && (*readyAfter < 0 || time.Since(began) < *readyAfter) {
				http.Error(response, "not ready yet", http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(response, "ok")
		}))
}

// crash ends badly after a while, with a last word.
func crash(arguments []string) error {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	after := flags.Duration("after", 0, "time until it ends")
	code := flags.Int("code", 1, "exit code")
	message := flags.String("message", "cannot go on", "last words")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	select {
	case <-ended():
	case <-time.After(*after):
	}
	fmt.Fprintln(os.Stderr, *message)
	os.Exit(*code)
	return nil
}

// wait ends well: after a while, or at SIGTERM.
func wait(arguments []string) error {
	flags := flag.NewFlagSet("wait", flag.ContinueOnError)
	duration := flags.Duration("for", 0, "time until it ends; 0: until SIGTERM")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var over <-chan time.Time
	if *duration > 0 {
		over = time.After(*duration)
	}
	select {
	case <-ended():
	case <-over:
	}
	return nil
}

// hoard takes memory, and uses it, until the kernel ends it; far more than a machine has is never asked for.
func hoard([]string) error {
	const pieceBytes, pieces = 1 << 20, 1 << 10
	kept := make([][]byte, 0, pieces)
	for range pieces {
		piece := make([]byte, pieceBytes)
		for at := 0; at < len(piece); at += os.Getpagesize() {
			piece[at] = 1
		}
		kept = append(kept, piece)
	}
	return fmt.Errorf("%d MiB, and nobody minds", len(kept))
}

// calicoNode stands in for the container calico-node, without a dataplane: it writes the nodename file and waits. While
// the file stand-in-crash is beside it on the host, it ends with code 1 instead.
func calicoNode() error {
	folder := filepath.Dir(nodenameFile)
	if _, err := os.Stat(filepath.Join(folder, "stand-in-crash")); err == nil {
		return errors.New("Calico node failed to start") //nolint:staticcheck // Calico's text
	}
	if err := os.WriteFile(nodenameFile, []byte(os.Getenv("NODENAME")), 0o644); err != nil {
		return err
	}
	<-ended()
	return nil
}

// emptyRegistry is an image registry that has no image: it answers as a real one does for a name it does not know.
func emptyRegistry(arguments []string) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	listen := flags.String("listen", "", "address")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	return http.ListenAndServe(*listen, http.HandlerFunc(
		func(response http.ResponseWriter, request *http.Request) {
			response.Header().Set("Content-Type", "application/json")
			if strings.TrimSuffix(request.URL.Path, "/") == "/v2" {
				fmt.Fprintln(response, "{}")
				return
			}
			response.WriteHeader(http.StatusNotFound)
			fmt.Fprintln(response, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`)
		}))
}

func ended() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	return signals
}
