import { Field, ID, InterfaceType } from 'type-graphql';

/** Its type is told by the class of an object: a function that tells it would be asynchronous, and could not be compiled. */
@InterfaceType({ description: 'Whatever has an id of its own.' })
export abstract class Node {
  @Field(() => ID, { description: 'A UUID, unique across all types.' })
  id!: string;
}
