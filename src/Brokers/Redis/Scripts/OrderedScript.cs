using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Weir.Brokers.Redis.Scripts;

/// <summary>
/// Calls a script by its hash, so that calls with the same first key are executed in the order in which they are made, also if the server
/// has lost its scripts in between. Thread-safe.
/// </summary>
/// <remarks>
/// The library repeats a call by itself when the server does not have the script, each on its own and so in any order
/// (findings/stackexchange-redis-noscript-order.sh). Here the calls that follow are held until all calls in flight are answered; then those
/// without the script are repeated with its text, and the held ones sent, in the order in which they were made. Another client may have
/// brought the script in between two calls, so that the later one was executed: the earlier one then fails. So the hash is used only where
/// the server is known to have the script, by slot: until a call with the text has been answered, calls have the text.
/// </remarks>
/// <param name="database">The commands of a connection.</param>
/// <param name="script">The text.</param>
/// <param name="slots">The number of a Cluster's slots; 1 without one.</param>
internal sealed class OrderedScript(IDatabase database, string script, int slots)
{
    private readonly byte[] _hash = HashOf(script);
    private readonly Lock _gate = new();
    private readonly Queue<Call> _calls = new(); // in their order; the first one is in flight, held, or must be repeated
    private readonly bool[] _isKnown = new bool[slots];
    private int _inFlight;
    private bool _isHolding;

    /// <summary>Calls the script.</summary>
    /// <exception cref="RedisServerException">The script failed, or a later call was executed before this one.</exception>
    /// <exception cref="Exception">Of the connection: the script may have been executed.</exception>
    public async Task<RedisResult> CallAsync(RedisKey[] keys, RedisValue[] arguments)
    {
        Call call = new(keys, arguments, slots == 1 ? 0 : database.Multiplexer.HashSlot(keys[0]));
        if (Send(call) is { } answer)
        {
            CallState state = CallState.Executed; // also if only the answer is missing
            try
            {
                RedisResult result = await answer.ConfigureAwait(false);
                call.IsAnswered = true;
                return result;
            }
            catch (RedisServerException error) when (error.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
            {
                state = CallState.Waiting;
                call.Missing = error;
            }
            catch (RedisServerException)
            {
                state = CallState.Refused;
                throw;
            }
            finally
            {
                OnAnswered(call, state);
            }
        }

        return await call.Later.ConfigureAwait(false);
    }

    /// <summary>A server may be another one now, without the script.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            Array.Clear(_isKnown);
        }
    }

    // Returns null if the call is held.
    private Task<RedisResult>? Send(Call call)
    {
        lock (_gate)
        {
            _calls.Enqueue(call);
            if (_isHolding)
            {
                call.Wait();
                return null;
            }

            _inFlight++;
            return Begin(call, withText: !_isKnown[call.Slot]);
        }
    }

    private void OnAnswered(Call call, CallState state)
    {
        lock (_gate)
        {
            _inFlight--;
            call.State = state;
            _isKnown[call.Slot] |= call.IsAnswered;
            if (state == CallState.Waiting)
            {
                call.Wait();
                _isHolding = true;
                Array.Clear(_isKnown);
            }

            if (_isHolding && _inFlight == 0)
            {
                SendWaitingInsideLock();
                _isHolding = false;
                _calls.Clear();
            }

            while (_calls.TryPeek(out Call? first) && first.State is CallState.Executed or CallState.Refused)
            {
                _calls.Dequeue();
            }
        }
    }

    private void SendWaitingInsideLock()
    {
        HashSet<RedisKey> executedLater = [];
        foreach (Call call in _calls.Reverse())
        {
            if (call.State == CallState.Executed)
            {
                executedLater.Add(call.Keys[0]);
            }
            else if (call.State == CallState.Waiting && executedLater.Contains(call.Keys[0]))
            {
                call.State = CallState.Refused;
                call.Complete(Task.FromException<RedisResult>(call.Missing!)); // a held call has no later one
            }
        }

        foreach (Call call in _calls)
        {
            if (call.State == CallState.Waiting)
            {
                call.Complete(Begin(call, withText: true));
            }
        }
    }

    [SuppressMessage("Security", "CA5350", Justification = "EVALSHA identifies scripts by SHA-1; it protects no secret.")]
    private static byte[] HashOf(string script) => SHA1.HashData(Encoding.UTF8.GetBytes(script));

    private Task<RedisResult> Begin(Call call, bool withText)
    {
        try
        {
            // EVAL or EVALSHA; after EVAL the server has the script.
            return withText
                ? database.ScriptEvaluateAsync(script, call.Keys, call.Arguments, CommandFlags.NoScriptCache)
                : database.ScriptEvaluateAsync(_hash, call.Keys, call.Arguments);
        }
        catch (Exception error)
        {
            return Task.FromException<RedisResult>(error);
        }
    }

    private enum CallState
    {
        InFlight,

        /// <summary>Executed, or that is unknown.</summary>
        Executed,

        /// <summary>Certainly not executed.</summary>
        Refused,

        /// <summary>Held, or answered that the server does not have the script.</summary>
        Waiting,
    }

    private sealed class Call(RedisKey[] keys, RedisValue[] arguments, int slot)
    {
        private TaskCompletionSource<Task<RedisResult>>? _later;

        public RedisKey[] Keys => keys;

        public RedisValue[] Arguments => arguments;

        public int Slot => slot;

        public CallState State { get; set; }

        /// <summary>Whether the script was executed and its result received, so that the server has it.</summary>
        public bool IsAnswered { get; set; }

        /// <summary>The answer that the server does not have the script; <c>null</c>: none.</summary>
        public RedisServerException? Missing { get; set; }

        /// <summary>The answer of a call that waits; only after <see cref="Wait"/>.</summary>
        public Task<RedisResult> Later => _later!.Task.Unwrap();

        public void Wait()
        {
            State = CallState.Waiting;
            _later = new TaskCompletionSource<Task<RedisResult>>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        public void Complete(Task<RedisResult> answer) => _later!.SetResult(answer);
    }
}
