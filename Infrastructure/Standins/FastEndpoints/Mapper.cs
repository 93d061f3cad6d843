using FluentValidation;

namespace FastEndpoints;

/// <summary>Marks a mapper.</summary>
public interface IMapper;

/// <summary>The shape checks of a request. One instance serves all requests.</summary>
public abstract class Validator<TRequest> : AbstractValidator<TRequest> where TRequest : notnull;

/// <summary>Maps a request to an entity and an entity to a response.</summary>
public abstract class Mapper<TRequest, TResponse, TEntity> : IMapper where TRequest : notnull where TResponse : notnull
{
    public virtual TEntity ToEntity(TRequest r) => throw new NotSupportedException("A mapper that is asked for this overrides it.");

    public virtual TEntity UpdateEntity(TRequest r, TEntity e) => throw new NotSupportedException("A mapper that is asked for this overrides it.");

    public virtual TResponse FromEntity(TEntity e) => throw new NotSupportedException("A mapper that is asked for this overrides it.");
}

/// <summary>Maps an entity to a response.</summary>
public abstract class ResponseMapper<TResponse, TEntity> : IMapper where TResponse : notnull
{
    public virtual TResponse FromEntity(TEntity e) => throw new NotSupportedException("A mapper that is asked for this overrides it.");
}

static class MapperCache<TMapper> where TMapper : class, IMapper
{
    internal static readonly TMapper Instance = (TMapper)Activator.CreateInstance(typeof(TMapper), nonPublic: true)!;
}
