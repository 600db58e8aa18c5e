// Puts or linearizable gets to an etcd cluster, as fast as a number of callers can that each wait for their answer.
// Takes the options of bench/trial.py, and measures and prints what bench/load.py does for Ostraka: see there.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

var (
	endpoints   = flag.String("endpoints", "", "comma-separated")
	operation   = flag.String("operation", "put", "put, or get, linearizable: every key is put first then")
	callers     = flag.Int("callers", 100, "each waits for its answer before it asks again")
	connections = flag.Int("connections", 10, "gRPC connections, shared by the callers")
	seconds     = flag.Float64("seconds", 10, "measured time")
	warmUp      = flag.Float64("warm-up-seconds", 1, "load before that")
	valueBytes  = flag.Int("value-bytes", 128, "")
	keys        = flag.Int("keys", 10000, "chosen uniformly")
)

// What one caller saw of the measured time.
type tally struct {
	latenciesMs []float64
	errors      int
}

func perform(client *clientv3.Client, operation string, key int) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	name := fmt.Sprintf("key%08d", key)
	if operation == "get" {
		_, err = client.Get(ctx, name)
	} else {
		_, err = client.Put(ctx, name, strings.Repeat("x", *valueBytes))
	}
	return
}

func call(client *clientv3.Client, random *rand.Rand, start, end time.Time) (seen tally) {
	for {
		began := time.Now()
		if !began.Before(end) {
			return
		}
		err := perform(client, *operation, random.Intn(*keys))
		switch {
		case began.Before(start):
		case err != nil:
			seen.errors++
		default:
			seen.latenciesMs = append(seen.latenciesMs, float64(time.Since(began))/float64(time.Millisecond))
		}
	}
}

func connect() (clients []*clientv3.Client) {
	for i := 0; i < *connections; i++ {
		client, err := clientv3.New(clientv3.Config{
			Endpoints: strings.Split(*endpoints, ","), DialTimeout: 5 * time.Second})
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, client)
	}
	return
}

// Runs one goroutine per caller, to the end of all.
func concurrently(do func(caller int)) {
	var running sync.WaitGroup
	for i := 0; i < *callers; i++ {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			do(i)
		}(i)
	}
	running.Wait()
}

func fill(clients []*clientv3.Client) {
	concurrently(func(caller int) {
		for key := caller; key < *keys; key += *callers {
			if err := perform(clients[caller%len(clients)], "put", key); err != nil {
				log.Fatal(err)
			}
		}
	})
}

func main() {
	flag.Parse()
	if *operation != "put" && *operation != "get" {
		log.Fatalf("operation %q is neither put nor get", *operation)
	}
	clients := connect()
	if *operation == "get" {
		fill(clients)
	}
	start := time.Now().Add(time.Duration(*warmUp * float64(time.Second)))
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	tallies := make([]tally, *callers)
	concurrently(func(caller int) {
		tallies[caller] = call(clients[caller%len(clients)], rand.New(rand.NewSource(int64(caller))), start, end)
	})

	var all tally
	for _, seen := range tallies {
		all.latenciesMs = append(all.latenciesMs, seen.latenciesMs...)
		all.errors += seen.errors
	}
	if len(all.latenciesMs) == 0 {
		log.Fatalf("no %s succeeded, %d failed", *operation, all.errors)
	}
	sort.Float64s(all.latenciesMs)
	at := func(share float64) float64 { return all.latenciesMs[int(share*float64(len(all.latenciesMs)-1))] }
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"all": map[string]interface{}{
		"operations_per_s": float64(len(all.latenciesMs)) / *seconds, "errors": all.errors,
		"p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": at(1)}})
}
