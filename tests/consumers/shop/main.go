// Everything in the images of the engine's proof that is not a database: one static program under the names that the
// environment's commands and checks use.
//
// It does what its name promises as far as that shows whether settings arrived: the database and the cache are asked with the
// URLs that the environment computed, and the configuration file is read where it is mounted.
package main

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq"
)

var programs = map[string]func() error{
	"api":      api,
	"web":      web,
	"celery":   worker,
	"alembic":  migrate,
	"python3":  fetch,
	"wget":     fetch,
	"database": database,
}

func main() {
	program, known := programs[filepath.Base(os.Args[0])]
	if !known {
		log.Fatalf("there is no program %q", os.Args[0])
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { <-stop; os.Exit(0) }()
	if err := program(); err != nil {
		log.Fatal(err)
	}
}

// fetch asks the URL that is its last argument, as the checks do.
func fetch() error {
	answer, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

func query(statement string) error {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL")+"?sslmode=disable&connect_timeout=3")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}

// cache signs in with the password of CACHE_URL and asks for a sign of life.
func cache() error {
	at, err := url.Parse(os.Getenv("CACHE_URL"))
	if err != nil {
		return err
	}
	connection, err := net.DialTimeout("tcp", at.Host, 3*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	password, _ := at.User.Password()
	answers := bufio.NewReader(connection)
	for _, said := range []struct{ command, wanted string }{{"AUTH " + password, "+OK"}, {"PING", "+PONG"}} {
		fmt.Fprintf(connection, "%s\r\n", said.command)
		answer, err := answers.ReadString('\n')
		if err != nil || strings.TrimSpace(answer) != said.wanted {
			return fmt.Errorf("the cache says %q %v", answer, err)
		}
	}
	return nil
}

func api() error {
	http.HandleFunc("/ready", func(answer http.ResponseWriter, _ *http.Request) {
		limits, err := os.ReadFile("/etc/shop/limits.toml")
		if err = errors.Join(err, query("SELECT 1 FROM orders"), cache()); err != nil {
			http.Error(answer, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer.Write(limits)
	})
	return http.ListenAndServe(":8000", nil)
}

func web() error {
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		from, err := http.Get(os.Getenv("API_URL") + "/ready")
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadGateway)
			return
		}
		defer from.Body.Close()
		answer.WriteHeader(from.StatusCode)
		io.Copy(answer, from.Body)
	})
	return http.ListenAndServe(":8080", nil)
}

func worker() error {
	for {
		if err := errors.Join(query("INSERT INTO orders VALUES (1)"), cache()); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}

func migrate() error { return query("CREATE TABLE IF NOT EXISTS orders (id int)") }

// database does what the entry point of the official image does with the same variables.
func database() error {
	data, user := os.Getenv("PGDATA"), os.Getenv("POSTGRES_USER")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil {
		initdb := exec.Command("initdb", "-D", data, "-U", user, "--pwfile", os.Getenv("POSTGRES_PASSWORD_FILE"),
			"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
		if said, err := initdb.CombinedOutput(); err != nil {
			return fmt.Errorf("initdb: %w: %s", err, said)
		}
		single := exec.Command("postgres", "--single", "-D", data, "postgres")
		single.Stdin = strings.NewReader("CREATE DATABASE " + os.Getenv("POSTGRES_DB") + "\n")
		if said, err := single.CombinedOutput(); err != nil {
			return fmt.Errorf("postgres --single: %w: %s", err, said)
		}
		rules, err := os.OpenFile(filepath.Join(data, "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		fmt.Fprintln(rules, "host all all all scram-sha-256")
		if err := rules.Close(); err != nil {
			return err
		}
	}
	postgres, err := exec.LookPath("postgres")
	if err != nil {
		return err
	}
	return syscall.Exec(postgres, []string{"postgres", "-D", data, "-c", "listen_addresses=*"}, os.Environ())
}
