/**
 * Publish and subscribe: the first process is a hub, which takes articles from other processes, and passes
 * each one on to those that have subscribed to its topic.
 *
 * An `Acceptor` gives the hub each channel that another process opens to it, so it need not know who they
 * are. A subscriber that has seen enough ends, and the hub forgets it. While a subscriber is slow, the
 * publishers of its topic wait: nothing is lost, and nothing piles up.
 *
 *     deno task example pub_sub
 *     deno task example pub_sub 1000
 */

import { Acceptor, ChannelError, init, type Pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

interface Article {
  topic: string;
  number: number;
}

/** Reads articles on a topic: all of them, or the first `enough`. */
async function subscriber(hub: Pid, { topic, enough }: { topic: string; enough?: number }) {
  const articles = new Receiver<Article>(hub, "articles");
  await new Sender<string>(hub, "subscribe").send(topic);
  let count = 0;
  for await (const { number } of articles) {
    if (number !== count++) throw new Error(`Article ${number} came instead of ${count - 1}`);
    if (count === enough) break;
  }
  console.log(`read ${count} articles on ${topic}`);
}

/** Publishes articles on a topic. */
async function publisher(hub: Pid, { topic, count }: { topic: string; count: number }) {
  const articles = new Sender<Article>(hub, "publish");
  for (let number = 0; number < count; number++) await articles.send({ topic, number });
}

await init({ functions: { subscriber, publisher } });

const count = countArgument(0, "articles", 100);

const readers = new Map<string, Set<Sender<Article>>>();

/** Notes a new subscriber. */
async function subscribe(subscription: Receiver<string>): Promise<void> {
  const topic = await subscription.recv();
  const reader = new Sender<Article>(subscription.remote, "articles");
  readers.set(topic, (readers.get(topic) ?? new Set()).add(reader));
}

/** Passes on what a publisher publishes, until it has ended. */
async function relay(articles: Receiver<Article>): Promise<number> {
  let passed = 0;
  for await (const article of articles) {
    const all = readers.get(article.topic) ?? new Set();
    await Promise.all(Array.from(all, async (reader) => {
      try {
        await reader.send(article);
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
        all.delete(reader); // it has ended
      }
    }));
    passed++;
  }
  return passed;
}

await using subscriptions = new Acceptor<string>("subscribe");
const fans = [{ topic: "chess" }, { topic: "chess", enough: 1 }, { topic: "bread" }];
await Promise.all(fans.map(async (fan) => {
  await spawn(subscriber, fan);
  await subscribe(await subscriptions.accept());
}));

await using publications = new Acceptor<Article>("publish");
const passed = await Promise.all(["chess", "bread"].map(async (topic) => {
  await spawn(publisher, { topic, count });
  return await relay(await publications.accept());
}));

// The subscribers that still read are told that there is no more.
for (const all of readers.values()) for (const reader of all) await reader.close();
console.log(`passed on ${passed.reduce((a, b) => a + b)} articles`);
