export declare class Spark {
    private values;
    private step;
    private lastAt;
    /** `now` is any clock that only goes forward, in ms. */
    add(price: number, now: number): void;
    get points(): readonly number[];
}
