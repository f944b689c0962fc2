/** An operation that the explorer opens in a tab of its own. */
export interface Example {
  readonly query: string;
  /** In the place of `PRODUCT_ID` the page puts the id of a product that exists. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Stands for the id of a product in an example's variables. */
export const PRODUCT_ID = '<productId>';

/** What a newcomer wants to try, in this order; a test runs them against the schema. */
export const EXAMPLES: readonly Example[] = [
  {
    query: `# The newest products with their ratings.
# Press Ctrl-Enter to run it.
query ListProducts {
  products(first: 10) {
    nodes {
      id
      name
      price {
        amount
        currencyCode
      }
      averageRating
      reviewCount
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  },
  {
    query: `# Search, filter and order. A price needs
# its currency; "-" before a word excludes it.
query FindProducts($filter: ProductFilter, $orderBy: ProductOrder) {
  products(first: 10, filter: $filter, orderBy: $orderBy) {
    totalCount
    nodes {
      name
      price {
        amount
      }
      averageRating
    }
  }
}
`,
    variables: {
      filter: { search: 'kettle or skillet -electric', currencyCode: 'EUR', price: { lte: '200' } },
      orderBy: { field: 'PRICE', direction: 'ASC' },
    },
  },
  {
    query: `# One product's whole rating
# and its newest reviews.
query OneProduct($id: ID!) {
  product(id: $id) {
    name
    rating {
      average
      count
      distribution {
        stars
        count
      }
      version
    }
    reviews(first: 5) {
      nodes {
        rating
        title
        author {
          displayName
        }
      }
    }
  }
}
`,
    variables: { id: PRODUCT_ID },
  },
  {
    query: `# Needs a token: paste one at the top.
# One review an author and product.
mutation CreateReview($input: CreateReviewInput!) {
  createReview(input: $input) {
    review {
      id
      rating
    }
    product {
      averageRating
      reviewCount
    }
    ratingVersion
    userErrors {
      code
      field
      message
    }
  }
}
`,
    variables: { input: { productId: PRODUCT_ID, rating: 5, title: 'Just right', body: 'Does what it says.' } },
  },
  {
    query: `# Needs the token: your own reviews,
# whatever their status, with their ids.
query MyReviews {
  viewer {
    isAdmin
    author {
      displayName
    }
    reviews(first: 10) {
      nodes {
        id
        rating
        status
        version
        product {
          name
          averageRating
        }
      }
    }
  }
}
`,
  },
  {
    query: `# Needs the token, and an id of MyReviews.
# Absent fields stay, null clears.
mutation UpdateReview($input: UpdateReviewInput!) {
  updateReview(input: $input) {
    review {
      rating
      title
      version
    }
    product {
      averageRating
      reviewCount
    }
    userErrors {
      code
      field
      message
    }
  }
}
`,
    variables: { input: { id: 'an id of MyReviews', rating: 4 } },
  },
  {
    query: `# Needs the token, and an id of MyReviews.
mutation DeleteReview($input: DeleteReviewInput!) {
  deleteReview(input: $input) {
    deletedReviewId
    product {
      averageRating
      reviewCount
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: { input: { id: 'an id of MyReviews' } },
  },
  {
    query: `# Reads what someone wrote elsewhere: give
# the ratingVersion of their CreateReview.
query RatingAfterReview($id: ID!, $minRatingVersion: Int) {
  product(id: $id, minRatingVersion: $minRatingVersion) {
    rating {
      average
      count
      version
    }
  }
}
`,
    variables: { id: PRODUCT_ID, minRatingVersion: 1 },
  },
  {
    query: `# Needs the token of an admin.
mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) {
    product {
      id
      name
    }
    userErrors {
      code
      field
      message
    }
  }
}
`,
    variables: { input: { name: 'A lamp', price: { amount: '19.90', currencyCode: 'EUR' } } },
  },
  {
    query: `# The most helpful reviews of a product,
# with the replies of the merchant.
query MostHelpful($id: ID!) {
  product(id: $id) {
    name
    reviews(first: 5, orderBy: { field: HELPFUL_COUNT }) {
      nodes {
        id
        rating
        title
        helpfulCount
        verifiedPurchase
        reply {
          body
          repliedAt
        }
      }
    }
  }
}
`,
    variables: { id: PRODUCT_ID },
  },
];
