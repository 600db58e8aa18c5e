// Puts to an etcd cluster as fast as a number of callers can that each wait for their answer. Prints what
// bench/put_load.py prints for Ostraka, and measures it the same way: see there.
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
	callers     = flag.Int("callers", 100, "each waits for its answer before it puts again")
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

func call(client *clientv3.Client, random *rand.Rand, start, end time.Time) (seen tally) {
	value := strings.Repeat("x", *valueBytes)
	for {
		began := time.Now()
		if !began.Before(end) {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := client.Put(ctx, fmt.Sprintf("key%08d", random.Intn(*keys)), value)
		cancel()
		done := time.Now()
		switch {
		case done.Before(start) || !done.Before(end):
		case err != nil:
			seen.errors++
		default:
			seen.latenciesMs = append(seen.latenciesMs, float64(done.Sub(began))/float64(time.Millisecond))
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

func main() {
	flag.Parse()
	clients := connect()
	start := time.Now().Add(time.Duration(*warmUp * float64(time.Second)))
	end := start.Add(time.Duration(*seconds * float64(time.Second)))
	tallies := make([]tally, *callers)
	var running sync.WaitGroup
	for i := range tallies {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			tallies[i] = call(clients[i%len(clients)], rand.New(rand.NewSource(int64(i))), start, end)
		}(i)
	}
	running.Wait()

	var all tally
	for _, seen := range tallies {
		all.latenciesMs = append(all.latenciesMs, seen.latenciesMs...)
		all.errors += seen.errors
	}
	if len(all.latenciesMs) == 0 {
		log.Fatalf("no put succeeded, %d failed", all.errors)
	}
	sort.Float64s(all.latenciesMs)
	at := func(share float64) float64 { return all.latenciesMs[int(share*float64(len(all.latenciesMs)-1))] }
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"operations_per_s": float64(len(all.latenciesMs)) / *seconds, "errors": all.errors,
		"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)})
}
