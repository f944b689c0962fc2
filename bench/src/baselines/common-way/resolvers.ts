import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  Float,
  ID,
  InputType,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { DataSource } from 'typeorm';
import { Product, Review } from './entities.js';

export interface Context {
  readonly dataSource: DataSource;
  readonly redis: Redis;
  readonly producer: Producer;
  readonly topic: string;
}

/** What the API sends to Kafka when a review has been saved, and the worker takes for its job. */
export interface ReviewCreated {
  readonly eventId: string;
  readonly productId: string;
  readonly rating: number;
}

@InputType()
export class CreateReviewInput {
  @Field(() => ID)
  productId!: string;

  @Field()
  author!: string;

  @Field(() => Int)
  rating!: number;

  @Field()
  body!: string;
}

@Resolver(() => Product)
export class ProductResolver {
  @Query(() => [Product])
  products(
    @Ctx() { dataSource }: Context,
    @Arg('take', () => Int, { defaultValue: 20 }) take: number,
    @Arg('skip', () => Int, { defaultValue: 0 }) skip: number,
  ): Promise<Product[]> {
    return dataSource.getRepository(Product).find({ order: { createdAt: 'DESC', id: 'DESC' }, take, skip });
  }

  @Query(() => Product, { nullable: true })
  product(@Ctx() { dataSource }: Context, @Arg('id', () => ID) id: string): Promise<Product | null> {
    return dataSource.getRepository(Product).findOneBy({ id });
  }

  @FieldResolver(() => Float, { nullable: true })
  async averageRating(@Root() { id }: Product, @Ctx() { redis }: Context): Promise<number | null> {
    const rating = await redis.get(`product:${id}:rating`);
    return rating === null ? null : Number(rating);
  }

  @FieldResolver(() => Int)
  async reviewCount(@Root() { id }: Product, @Ctx() { redis }: Context): Promise<number> {
    return Number((await redis.get(`product:${id}:reviewCount`)) ?? 0);
  }
}

@Resolver(() => Review)
export class ReviewResolver {
  /** The dual write: the event is sent after the commit, and is lost where Kafka or this process is gone by then. */
  @Mutation(() => Review)
  async createReview(
    @Ctx() { dataSource, producer, topic }: Context,
    @Arg('input', () => CreateReviewInput) { productId, author, rating, body }: CreateReviewInput,
  ): Promise<Review> {
    const reviews = dataSource.getRepository(Review);
    const review = await reviews.save(reviews.create({ productId, author, rating, body }));
    const event: ReviewCreated = { eventId: randomUUID(), productId, rating };
    await producer.send({ topic, messages: [{ key: productId, value: JSON.stringify(event) }] });
    return review;
  }
}
