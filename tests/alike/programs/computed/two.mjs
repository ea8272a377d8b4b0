export default `two ${import.meta.main}`;
