using Microsoft.AspNetCore.Http;

namespace FastEndpoints;

static class RequestBinder
{
    internal static async ValueTask<TRequest> BindAsync<TRequest>(HttpContext context, CancellationToken ct) where TRequest : notnull
    {
        if (typeof(TRequest) == typeof(EmptyRequest) || !context.Request.HasJsonContentType())
            return (TRequest)Activator.CreateInstance(typeof(TRequest), nonPublic: true)!;
        return (TRequest)(await Config.Current.Serializer.RequestDeserializer(context.Request, typeof(TRequest), null, ct))!;
    }
}
